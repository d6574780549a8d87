import ArgumentParser
import Configuration
import Console
import Evaluation

struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Prints the parameters and the multiply-adds of a configuration's networks.",
        discussion: """
            Examples:
              drnet info configs/quickstart.yaml
              drnet info my.yaml --classes 10 --set 'resolutions=[224, 160, 112]'
            """)

    @Argument(help: "The YAML file.")
    var config: String

    @Option(help: "Number of classes (default: the classes of the data folder; 1000 if there is no such folder).")
    var classes: Int?

    @OptionGroup var overrides: OverrideOptions

    func validate() throws { try ClassCount.validate(classes) }

    func run() throws {
        let configuration = try TrainingConfiguration.load(path: config, overrides: overrides.set)
        let summary = try NetworkSummary(configuration, classCount: try classes ?? ClassCount.find(configuration.data.folder))
        try Console.result(summary.text)
        for warning in summary.warnings { Console.warning(warning) }
    }
}
