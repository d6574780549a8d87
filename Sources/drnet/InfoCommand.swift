import Configuration
import Evaluation
import ArgumentParser
import DynamicResolution
import Foundation
import ImageData

struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Prints what a configuration's network costs: parameters and multiply-adds.")

    @Argument(help: "The YAML file.")
    var config: String

    @Option(help: "Number of classes (default: those of the data folder, 1000 where it is not there).")
    var classes: Int?

    @OptionGroup var overrides: OverrideOptions

    /// More than anybody has; beyond, sizes of layers overflow.
    private static let maximumClasses = 1_000_000

    func validate() throws {
        if let classes, !(1...Self.maximumClasses).contains(classes) {
            throw ValidationError("--classes is \(classes); 1 to \(Self.maximumClasses)")
        }
    }

    func run() throws {
        let configuration = try TrainingConfiguration.load(path: config, overrides: overrides.set)
        let found = classes ?? (try? ImageFolder(path: configuration.data.folder))?.classes.count
        if found == nil { print("\(configuration.data.folder) is not there: counting 1000 classes") }
        let summary = try NetworkSummary(configuration, classCount: found ?? 1000)
        print(summary.text)
        for warning in summary.warnings { Message.write("warning: \(warning)") }
    }
}
