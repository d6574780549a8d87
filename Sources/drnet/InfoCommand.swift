import ArgumentParser
import Communication
import Configuration
import Console
import Evaluation
import ImageData

struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Prints the parameters and the multiply-adds of a configuration's networks.")

    @Argument(help: "The YAML file.")
    var config: String

    @Option(help: "Number of classes (default: the classes of the data folder; 1000 if there is no such folder).")
    var classes: Int?

    @OptionGroup var overrides: OverrideOptions

    /// The sizes of layers do not overflow up to this number.
    private static let maximumClasses = 1_000_000

    func validate() throws {
        if let classes, !(1...Self.maximumClasses).contains(classes) {
            throw ValidationError("--classes is \(classes); it must be 1 to \(Self.maximumClasses)")
        }
    }

    func run() throws {
        let configuration = try TrainingConfiguration.load(path: config, overrides: overrides.set)
        let summary = try NetworkSummary(configuration, classCount: try classes ?? classCount(of: configuration.data.folder))
        try Console.result(summary.text)
        for warning in summary.warnings { Console.warning(warning) }
    }

    /// The number of classes of an image folder, or a usual one if the folder cannot be used.
    private func classCount(of folder: String) throws -> Int {
        do {
            return try ImageFolder(path: folder).classes.count
        } catch ImageFolderError.missing {
            try Console.result("\(folder) does not exist: using \(Self.defaultClasses) classes")
        } catch {
            Console.warning("\(ErrorText.describe(error)); using \(Self.defaultClasses) classes")
        }
        return Self.defaultClasses
    }

    private static let defaultClasses = 1000
}
