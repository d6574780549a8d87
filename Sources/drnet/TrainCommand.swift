import ArgumentParser
import Communication
import Configuration
import Console
import Evaluation
import Foundation
import Inference
import Training

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Runs the stages of a configuration; alone, or as one rank of mpirun.",
        discussion: """
            On SIGTERM, SIGUSR1 and SIGHUP the run writes a checkpoint and exits with status 75. --resume continues from the newest valid
            checkpoint; the run starts from the beginning if the run folder holds no checkpoint. One job at a time can train in a folder.

            Examples:
              drnet train configs/quickstart.yaml
              mpirun -n 4 drnet train my.yaml -o runs/my --resume
              drnet train my.yaml --set optimizer.batchSize=64 --set seed=2 --dry-run
            """)

    @Argument(help: "The YAML file (configs/ has examples, docs/configuration.md describes every key).")
    var config: String

    @Option(
        name: [.customLong("run-folder"), .customShort("o")], help: "The run folder (default: runs/ and the name of the YAML file).")
    var runFolder: String?

    @Flag(help: "Continue from the newest valid checkpoint of the run folder.")
    var resume = false

    @Option(
        help: ArgumentHelp(
            "Continue from the checkpoint of this step, or from the best one. Later checkpoints are moved into a subfolder.",
            valueName: "step|best"),
        transform: Self.resumePoint)
    var resumeFrom: ResumePoint?

    @Flag(help: "Start from the beginning in a run folder that holds a run. The files of that run are moved into a subfolder.")
    var restart = false

    @Flag(help: "With --resume: continue although training images were added, removed or renamed. The current epoch is not exact then.")
    var acceptDataChanges = false

    @Flag(help: "Report the start, the stages, and the memory and time of a step, and end. Nothing is written.")
    var dryRun = false

    @OptionGroup var overrides: OverrideOptions

    func validate() throws {
        if resume && restart { throw ValidationError("use --resume or --restart, not both") }
        if resumeFrom != nil && (resume || restart) {
            throw ValidationError("use --resume-from without --resume and --restart: a job that starts again would go back each time")
        }
        if acceptDataChanges && !isResumed { throw ValidationError("--accept-data-changes needs --resume or --resume-from") }
        // As from -o "$FOLDER" with an empty variable. The files would be written to the root of the file system.
        if runFolder?.isEmpty == true { throw ValidationError("--run-folder is empty; it takes the path of a folder") }
    }

    private var start: RunStart {
        if restart { return .restart }
        return isResumed ? .resume(from: resumeFrom ?? .newest, acceptingDataChanges: acceptDataChanges) : .new
    }

    private var isResumed: Bool { resume || resumeFrom != nil }

    @Sendable private static func resumePoint(_ text: String) throws -> ResumePoint {
        if text == "best" { return .best }
        guard let step = Int(text), step >= 0 else {
            throw ValidationError("--resume-from is '\(text)'; it takes the step of a checkpoint, or best")
        }
        return .step(step)
    }

    /// Which collectives run depends on these. The names of files and folders can differ.
    private var facts: [RankFact] {
        [
            RankFact("the command", "train"), RankFact("--resume", resume ? "given" : "not given"),
            RankFact("--resume-from", resumeFrom.map { "\($0)" } ?? "not given"),
            RankFact("--restart", restart ? "given" : "not given"),
            RankFact("--accept-data-changes", acceptDataChanges ? "given" : "not given"),
            RankFact("--dry-run", dryRun ? "given" : "not given"),
        ]
    }

    func run() throws {
        StopSignals.listen()
        let folder = RunFolder(path: runFolder ?? Self.defaultFolder(config))
        // A resumed run keeps its implementation of products, so that it stays bit-identical.
        try Ranks.run(
            facts, load: { try TrainingConfiguration.load(path: config, overrides: overrides.set) },
            recordedProducts: { isResumed ? try folder.recordedProducts() : nil }
        ) { configuration, ranks in
            try train(configuration, folder, ranks)
        }
    }

    /// runs/ and the name of the YAML file without its extension.
    static func defaultFolder(_ config: String) -> String {
        let name = config.split(separator: "/").last.map(String.init) ?? config
        let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
        return "runs/\(stem.isEmpty ? name : stem)"
    }

    private func train(_ configuration: TrainingConfiguration, _ folder: RunFolder, _ ranks: Ranks) throws {
        let console = ranks.isRoot ? ProgressReporter() : nil
        ranks.describe()
        console?.note(ranks.kernels.summary)
        for warning in configuration.warnings(rankCount: ranks.communicator.rankCount) { console?.note("warning: \(warning)") }
        if dryRun { return try reportPlan(configuration, folder, ranks) }
        let lock = try ranks.communicator.onRankZero(label: "run folder") { try folder.open(start) { console?.note($0) } }
        defer { lock?.release() }
        CrashRecord.prepare(folder: folder.crashes, ranks.communicator, version: DRNetCommand.configuration.version)
        let data = try TrainingData(
            configuration, communicator: ranks.communicator, context: ranks.context)
        console?.note(
            "\(configuration.data.folder): \(data.folder.training.count) training and \(data.folder.validation.count) validation "
                + "images of \(data.folder.classes.count) classes")
        for note in data.folder.notes { console?.note(note) }
        let trainer = try Trainer(
            configuration, data: data, communicator: ranks.communicator, context: ranks.context, runFolder: folder,
            start: start, lock: lock, console: console)
        try ranks.communicator.onRankZero(label: "records of the run") {
            try ranks.communicator.during(.saving) {
                try folder.record(
                    configuration: trainer.configurationText, cores: ranks.cores.lines, products: ranks.kernels.products,
                    version: DRNetCommand.configuration.version
                ) { console?.note($0) }
            }
        }
        try finish(trainer, folder, ranks)
    }

    /// Reports what the training would do. Collective.
    private func reportPlan(_ configuration: TrainingConfiguration, _ folder: RunFolder, _ ranks: Ranks) throws {
        let data = try TrainingData(configuration, communicator: ranks.communicator, context: ranks.context)
        try ranks.communicator.onRankZero(label: "costs of the networks") {
            let (images, classes) = (data.folder, data.folder.classes.count)
            Console.note(
                "\(configuration.data.folder): \(images.training.count) training and \(images.validation.count) validation images of "
                    + "\(classes) classes")
            Console.note(try NetworkSummary(configuration, classCount: classes).text)
        }
        try DryRun(configuration, data: data, communicator: ranks.communicator, runFolder: folder, start: start).run(Console.note)
    }

    /// Runs the training, and reports its end. Collective.
    private func finish(_ trainer: Trainer, _ folder: RunFolder, _ ranks: Ranks) throws {
        switch try trainer.run() {
        case .stopped:
            throw ExitStatus.stopped
        case .finished(let evaluation):
            guard ranks.isRoot else { return }
            Console.note(evaluation.table())
            if let recommendation = trainer.recommendation { Console.note("\n\(recommendation)") }
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
