@testable import Configuration

/// The problems that loading a configuration reports; none if it loads. Another error counts as one problem.
func configurationProblems(_ load: () throws -> TrainingConfiguration) -> [String] {
    do {
        _ = try load()
        return []
    } catch {
        return (error as? ConfigurationError)?.problems ?? ["\(error)"]
    }
}
