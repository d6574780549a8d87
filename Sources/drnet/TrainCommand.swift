import ArgumentParser
import Configuration
import Console
import Foundation
import Inference
import Training

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Runs the stages of a configuration; alone, or as one rank of mpirun.",
        discussion: """
            On SIGTERM and SIGUSR1 the run writes a checkpoint and exits with status 75. --resume continues from the newest valid
            checkpoint; the run starts from the beginning if there is none.
            """)

    @Argument(help: "The YAML file (configs/ has examples, docs/configuration.md describes every key).")
    var config: String

    @Option(
        name: [.customLong("run-folder"), .customShort("o")], help: "The run folder (default: runs/ and the name of the YAML file).")
    var runFolder: String?

    @Flag(help: "Continue from the newest valid checkpoint of the run folder.")
    var resume = false

    @OptionGroup var overrides: OverrideOptions

    func run() throws {
        StopSignals.listen()
        let configuration = try TrainingConfiguration.load(path: config, overrides: overrides.set)
        let name = URL(fileURLWithPath: config).deletingPathExtension().lastPathComponent
        let folder = RunFolder(path: runFolder ?? "runs/\(name)")
        // A resumed run keeps its implementation of products, so that it stays bit-identical.
        try Ranks.run(configuration, recordedProducts: { resume ? try folder.recordedProducts() : nil }) { ranks in
            try train(configuration, folder, ranks)
        }
    }

    private func train(_ configuration: TrainingConfiguration, _ folder: RunFolder, _ ranks: Ranks) throws {
        let console = ranks.isRoot ? ProgressReporter() : nil
        ranks.describe()
        console?.note(ranks.products.summary)
        for warning in configuration.warnings { console?.note("warning: \(warning)") }
        if ranks.isRoot { try folder.open(resume: resume) }
        let data = try TrainingData(
            configuration, communicator: ranks.communicator, context: ranks.context)
        console?.note(
            "\(configuration.data.folder): \(data.folder.training.count) training and \(data.folder.validation.count) validation "
                + "images of \(data.folder.classes.count) classes")
        let trainer = try Trainer(
            configuration, data: data, communicator: ranks.communicator, context: ranks.context, runFolder: folder,
            resume: resume, console: console)
        if ranks.isRoot {
            try folder.record(
                configuration, cores: ranks.cores.lines, products: ranks.products, version: DRNetCommand.configuration.version)
        }
        switch try trainer.run() {
        case .stopped:
            throw ExitStatus.stopped
        case .finished(let evaluation):
            guard ranks.isRoot else { return }
            Console.note(evaluation.table())
            Console.note("\nrun folder: \(folder.path)")
        }
    }
}

/// Options that override single keys of the configuration.
struct OverrideOptions: ParsableArguments {
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override a key of the configuration. The option can be repeated.", valueName: "key.path=value"))
    var set: [String] = []
}
