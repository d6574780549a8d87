import Communication
import Configuration
import DynamicResolution
import Foundation
import Inference
import Interchange
import NeuralNetwork

/// What a training would do: where it would begin, its stages, and the memory and time of its steps. Writes nothing.
///
/// The steps are measured: each stage runs two of them on untrained weights, with images of the first epoch.
public struct DryRun {
    private let configuration: TrainingConfiguration
    private let data: TrainingData
    private let communicator: Communicator
    private let runFolder: RunFolder
    private let start: RunStart
    private let plans: [StagePlan]

    /// - Parameters:
    ///   - configuration: of the run.
    ///   - data: of this rank, made with the same configuration.
    ///   - communicator: of this rank.
    ///   - runFolder: of the run; it can be missing.
    ///   - start: how the run would begin.
    public init(
        _ configuration: TrainingConfiguration, data: TrainingData, communicator: Communicator, runFolder: RunFolder, start: RunStart
    ) {
        self.configuration = configuration
        self.data = data
        self.communicator = communicator
        self.runFolder = runFolder
        self.start = start
        plans = StagePlan.plans(configuration.stages)
    }

    /// Reports the plan line by line. Collective.
    ///
    /// - Parameter report: receives the lines; used on rank 0.
    /// - Throws: what the training itself would throw at its start, after the plan.
    public func run(_ report: (String) -> Void) throws {
        func write(_ line: String) { if communicator.rank == 0 { report(line) } }
        let found = try findCheckpoint(write)
        try communicator.onRankZero(label: "run folder") { try reportStart(found, write) }
        let lengths = plans.map { plan in StageLength(plan, position: found?.state.position, plans: plans, data) }
        for length in lengths { write(length.text(configuration, data)) }
        try measure(lengths, write)
        try communicator.onRankZero(label: "run folder") {
            if start == .new, try runFolder.holdsRun() { throw RunFolderError(path: runFolder.path) }
        }
    }

    // MARK: - The start

    /// The checkpoint that the run would continue from or, for a new run, the one that --resume would pick.
    private func findCheckpoint(_ write: (String) -> Void) throws -> FoundCheckpoint? {
        guard start.isResume else { return nil }
        return try FoundCheckpoint(
            in: CheckpointStore(folder: runFolder.checkpoints, keep: configuration.checkpoints.keep),
            of: ContinuedRun(
                folder: runFolder.path, identity: RunIdentity(configuration, data: data), configuration: configuration, point: start.point,
                acceptsDataChanges: start.acceptsDataChanges), communicator, note: write)
    }

    private func reportStart(_ found: FoundCheckpoint?, _ write: (String) -> Void) throws {
        let holdsRun = try runFolder.holdsRun()
        switch start {
        case .resume:
            let stagnates = found.map { $0.state.hasStagnated(in: plans) } ?? false
            write(Trainer.resumeNote(found?.state.position, stagnates: stagnates, folder: runFolder.path, plans: plans))
            if let checkpoint = found?.checkpoint { write("checkpoint: \(checkpoint.folder)") }
        case .restart where holdsRun: write("a new run in \(runFolder.path); the files of the earlier run would be moved into a subfolder")
        case .new where holdsRun:
            let newest = try CheckpointStore(folder: runFolder.checkpoints, keep: 1).newestValid(report: write)
            write(
                "\(runFolder.path) holds a run already"
                    + (newest.map { ": --resume would continue from the checkpoint of step \($0.step)" } ?? ", without a checkpoint"))
        case .new, .restart: write("a new run in \(runFolder.path)")
        }
    }

    // MARK: - Memory and time

    /// Runs steps of the stages that are left. Collective.
    private func measure(_ lengths: [StageLength], _ write: (String) -> Void) throws {
        guard !data.folder.training.isEmpty else { return }
        let model = try DRNet(configuration.withoutPretrained, classCount: data.folder.classes.count)
        var whole = 0.0
        for length in lengths where length.remainingSteps > 0 && !length.plan.isRecalibration {
            let seconds = try stepSeconds(length.plan, model)
            whole += seconds * Double(length.remainingSteps)
            write(
                "\(length.plan.name): a step takes about \(Doctor.duration(seconds)), the \(length.remainingSteps) steps "
                    + ProgressState.duration(seconds * Double(length.remainingSteps)))
        }
        let peak = try communicator.numbers(Double(Self.peakMemory), label: "memory of the ranks").max() ?? 0
        let later = Double(laterBytes(model))
        write(
            "memory: about \(Self.megabytes(peak + later)) a rank, measured in these steps (\(Self.megabytes(peak))) and computed for the "
                + "optimiser, averages and the copy that is saved (\(Self.megabytes(later)))")
        if whole > 0 { write("time: about \(ProgressState.duration(whole)) for all steps, without evaluations") }
    }

    /// The time of a step, of the slowest rank. Collective.
    private func stepSeconds(_ plan: StagePlan, _ model: DRNet) throws -> Double {
        let loader = data.trainingBatches(plan, runEpoch: 0, firstBatch: 0)
        defer { loader.stop() }
        var batches: [MicroBatch] = []
        try communicator.agree(label: "images of a step") {
            while batches.count < configuration.optimizer.accumulationSteps, let batch = try loader.next() { batches.append(batch) }
        }
        let trial = try TrialStep(configuration, plan, model, communicator)
        // The first step also allocates memory.
        _ = try trial.run(batches)
        return try communicator.numbers(try trial.run(batches).whole, label: "time of a step").max() ?? 0
    }

    /// Memory of a training that its first steps do not use: the state of the optimiser, averages, and the copy that is saved.
    private func laterBytes(_ model: DRNet) -> Int {
        let weights = model.networks.reduce(0) { $0 + $1.arena.gradients.count }
        let moments = configuration.optimizer.kind == .adamW ? 2 : configuration.optimizer.momentum > 0 ? 1 : 0
        let kept = moments + (configuration.optimizer.emaDecay > 0 ? 1 : 0)
        let copy = configuration.checkpoints.background && communicator.rank == 0 ? kept + 1 : 0
        return (kept + copy) * weights * MemoryLayout<Float>.stride
    }

    /// The largest memory that this process has used, in bytes.
    private static var peakMemory: Int {
        var usage = rusage()
        #if canImport(Glibc)
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return usage.ru_maxrss * 1024
        #else
            getrusage(RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #endif
    }

    private static func megabytes(_ bytes: Double) -> String {
        bytes < 1e9 ? "\(Int((bytes / 1e6).rounded())) MB" : "\(Figures.threeDigits(bytes / 1e9)) GB"
    }
}

/// The steps of a stage.
private struct StageLength {
    let plan: StagePlan
    let stepsPerEpoch: Int
    let remainingSteps: Int
    let remainingEpochs: Int

    /// - Parameter position: of the checkpoint that the run continues from; nil for a new run.
    init(_ plan: StagePlan, position: TrainingPosition?, plans: [StagePlan], _ data: TrainingData) {
        self.plan = plan
        stepsPerEpoch = plan.isRecalibration ? 0 : data.stepsPerEpoch(plan)
        let index = plans.firstIndex { $0.name == plan.name } ?? 0
        let stage = position?.stage ?? 0
        let (epoch, step) = index < stage ? (plan.epochs, 0) : index == stage ? (position?.epoch ?? 0, position?.step ?? 0) : (0, 0)
        remainingEpochs = max(plan.epochs - epoch, 0)
        remainingSteps = max(remainingEpochs * stepsPerEpoch - step, 0)
    }

    func text(_ configuration: TrainingConfiguration, _ data: TrainingData) -> String {
        if case .recalibrate(let stage) = plan {
            return "recalibrate: \(remainingEpochs == 0 ? "done" : "statistics of every resolution on \(stage.batches) batches")"
        }
        guard remainingSteps > 0 else { return "\(plan.name): done" }
        let rates = plan.learningRates(at: 0).compactMap { $0 }.map(Figures.threeDigits).joined(separator: " and ")
        let every = configuration.evaluation.everyEpochs
        let evaluations = (plan.epochs - remainingEpochs + 1...plan.epochs).filter { $0 % every == 0 || $0 == plan.epochs }.count
        return "\(plan.name): \(remainingEpochs) \(remainingEpochs == 1 ? "epoch" : "epochs") of \(stepsPerEpoch) "
            + "\(stepsPerEpoch == 1 ? "step" : "steps") of \(configuration.optimizer.batchSize) images, \(remainingSteps) steps; "
            + "first learning rate \(rates); \(evaluations) \(evaluations == 1 ? "evaluation" : "evaluations") on "
            + "\(data.folder.validation.count) images"
    }
}
