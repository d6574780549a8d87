import ArgumentParser
import Configuration
import Console
import Evaluation
import ImageData

struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Prints the parameters and the multiply-adds of a configuration's networks.")

    @Argument(help: "The YAML file.")
    var config: String

    @Option(help: "Number of classes (default: the classes of the data folder; 1000 if the folder does not exist).")
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
        let found = classes ?? (try? ImageFolder(path: configuration.data.folder))?.classes.count
        if found == nil { try Console.result("\(configuration.data.folder) does not exist: using 1000 classes") }
        let summary = try NetworkSummary(configuration, classCount: found ?? 1000)
        try Console.result(summary.text)
        for warning in summary.warnings { Console.warning(warning) }
    }
}
