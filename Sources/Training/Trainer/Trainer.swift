import Communication
import Configuration
import DynamicResolution
import Evaluation
import Foundation
import Inference
import Interchange
import Kernels
import NeuralNetwork

/// Runs the stages of a configuration on this rank, from the beginning or from a checkpoint.
///
/// Every rank calls the same methods in the same order. A value that decides whether a collective runs is itself the result of a
/// collective.
public final class Trainer {
    /// The end of a run.
    public enum Outcome {
        /// All stages are complete. The value is the evaluation of the final weights.
        case finished(Evaluation)
        /// A signal ended the run. The checkpoint for resuming is written.
        case stopped
    }

    public let configuration: TrainingConfiguration
    public let model: DRNet
    let context: KernelContext
    let exchange: RankExchange
    let data: TrainingData
    let optimizer: Optimizer
    /// Nil if evaluations use the weights themselves.
    let averages: WeightAverages?
    let trainingStep: TrainingStep
    /// Computes the gradients in place of `trainingStep`, with `deterministic`.
    let deterministicStep: DeterministicStep?
    let checkpoints: RunCheckpoints
    /// On rank 0 only.
    let journal: RunJournal?
    let plans: [StagePlan]
    let regularizer: FLOPsRegularizer?
    var state: TrainingState
    /// The images that this rank used since `state.ledger` was last complete.
    var ledger = EpochLedger()
    /// See `DivergenceMonitor.guessingLoss`.
    let guessingLoss: Double
    /// On rank 0 only.
    let lock: FolderLock?
    var lastCheckpointTime = Date()
    /// The step of the newest checkpoint; nil if there is none. The same on all ranks.
    var savedStep: Int?
    /// How the ranks spent the time of the steps of this start.
    var times = SettledTimes()
    /// What to deploy of the final weights, in words; on rank 0, after all stages. Nil without validation images.
    public internal(set) var recommendation: String?
    let runFolder: RunFolder

    var communicator: Communicator { exchange.communicator }

    /// Builds the model. With `.resume`, restores the newest valid checkpoint of the run folder; the run starts from the beginning if the
    /// folder holds no checkpoint. Collective.
    ///
    /// - Parameters:
    ///   - configuration: the same on all ranks.
    ///   - data: of this rank, made with the same configuration.
    ///   - communicator: of this rank.
    ///   - context: threads and buffers of training and evaluation.
    ///   - runFolder: receives checkpoints and records.
    ///   - start: whether to continue from a checkpoint.
    ///   - lock: of the run folder, on rank 0. Nil if nothing else can write to the folder.
    ///   - console: for progress and notes; nil on all ranks but rank 0.
    public init(
        _ configuration: TrainingConfiguration, data: TrainingData, communicator: Communicator, context: KernelContext,
        runFolder: RunFolder, start: RunStart, lock: FolderLock? = nil, console: ProgressReporter?
    ) throws {
        try configuration.requireSame(on: communicator)
        self.configuration = configuration
        self.data = data
        self.context = context
        self.runFolder = runFolder
        exchange = RankExchange(communicator)
        let note = { (text: String) in if let console { console.note(text) } }
        if !configuration.deterministic { try communicator.prepareSums(configuration.communication, note: note) }
        let identity = RunIdentity(configuration, data: data)
        let store = CheckpointStore(folder: runFolder.checkpoints, keep: configuration.checkpoints.keep)
        let found =
            try start.isResume
            ? FoundCheckpoint(
                in: store,
                of: ContinuedRun(
                    folder: runFolder.path, identity: identity, configuration: configuration, point: start.point,
                    acceptsDataChanges: start.acceptsDataChanges), communicator, note: note) : nil
        let model = try Self.model(
            configuration, classCount: data.folder.classes.count, isNew: found == nil, communicator, note: note)
        self.model = model
        optimizer = Optimizer(model.networks, Optimizer.Options(configuration.optimizer), context: context)
        let decay = configuration.optimizer.emaDecay
        averages = decay > 0 ? WeightAverages(of: model, decay: decay, context: context) : nil
        let teacher = try Self.teacher(
            configuration, classes: data.folder.classes, continuing: found?.state, communicator, note: note)
        let loss = try communicator.agree(label: "loss") {
            try ClassificationLoss(configuration, data: data, hasTeacher: teacher != nil, note: note)
        }
        guessingLoss = DivergenceMonitor.guessingLoss(classCount: model.classCount, weights: loss.classWeights)
        let isGlobal = configuration.batchNorm.mode == .global
        trainingStep = TrainingStep(
            model: model, ranks: communicator.rankCount > 1 ? exchange : nil, globalBatchNorm: isGlobal, loss: loss,
            teacher: teacher?.teacher, balance: configuration.communication.balance == .flops ? exchange : nil)
        let (logicalRankCount, ranks) = (configuration.communication.logicalRanks, exchange)
        deterministicStep = try communicator.agree(label: "logical ranks") { () throws -> DeterministicStep? in
            guard configuration.deterministic else { return nil }
            return try DeterministicStep(LogicalRanks(count: logicalRankCount, ranks), model: model, ranks, context) {
                TrainingStep(model: $0, ranks: $1, globalBatchNorm: isGlobal, loss: loss, teacher: teacher?.teacher)
            }
        }
        let checkpoints = RunCheckpoints(
            store, model: model, optimizer: optimizer, averages: averages, inBackground: configuration.checkpoints.background)
        self.checkpoints = checkpoints
        let plans = StagePlan.plans(configuration.stages)
        self.plans = plans
        regularizer = try communicator.agree(label: "policy") {
            model.decider == nil ? nil : try FLOPsRegularizer(configuration.policy, model.flops)
        }
        if let found { try communicator.onRankZero(label: "tensors of the checkpoint") { try checkpoints.restore(found) } }
        try exchange.broadcast(model.networks + (averages?.model.networks ?? []), found == nil ? nil : optimizer)
        state = found?.state ?? TrainingState(identity: identity, configuration: configuration)
        state.averageUpdates = averages == nil ? nil : state.averageUpdates ?? 0
        state.beginLedger()
        // A run that is complete does not load its teacher, and can still get more epochs.
        state.teacher = teacher?.checksum ?? (configuration.distillation.term == nil ? nil : state.teacher)
        savedStep = found?.state.position.runStep
        self.lock = lock
        if start.isResume {
            let stagnates = found.map { $0.state.hasStagnated(in: StagePlan.plans(configuration.stages)) } ?? false
            note(Self.resumeNote(found?.state.position, stagnates: stagnates, folder: runFolder.path, plans: plans))
        }
        journal =
            try communicator.onRankZero(label: "records") {
                // A later start without a step must not find the checkpoints that this one goes back behind.
                if let found, start.point != .newest { try runFolder.setAside(after: found.state.position.runStep, store, note: note) }
                let position = found.map {
                    MetricsWriter.Position(step: $0.state.position.runStep, isEvaluationPending: $0.state.isEvaluationPending)
                }
                return try console.map {
                    try RunJournal(
                        runFolder: runFolder, console: $0, resolutions: configuration.resolutions, costs: ReportedCosts(model),
                        stepInterval: configuration.metrics.everySteps, evaluationInterval: configuration.evaluation.everyEpochs,
                        lastStage: plans.last { !$0.isRecalibration }?.name, after: position,
                        tensorBoard: configuration.metrics.tensorBoard
                            ? TensorBoardJournal(configuration, runFolder, after: position) { note("warning: \($0)") } : nil)
                }
            } ?? nil
    }

    /// The network at the beginning. Rank 0 alone reads pretrained files, and the broadcast after this gives its weights to the others, so
    /// that their hosts need no such files and cannot have other ones. A resumed run does not need them, because the checkpoint has all
    /// weights. Collective.
    private static func model(
        _ configuration: TrainingConfiguration, classCount: Int, isNew: Bool, _ communicator: Communicator, note: (String) -> Void
    ) throws -> DRNet {
        let bare = configuration.withoutPretrained
        let own = try communicator.onRankZero(label: "network") {
            try DRNet(isNew ? configuration : bare, classCount: classCount, note: note)
        }
        return try own ?? DRNet(bare, classCount: classCount)
    }

    /// Trains until all stages are complete or a signal requests a stop. Call `StopSignals.listen` before. Collective.
    public func run() throws -> Outcome {
        lastCheckpointTime = Date()
        // After an error, too, what training handed over is written before the process ends.
        defer { try? checkpoints.finish() }
        do {
            try runStages()
            try reportTimes()
            try communicator.during(.saving) { try checkpoints.finish() }
            return .finished(try finalEvaluation())
        } catch is StopRequest {
            // The checkpoint of this step can exist already, for example at the end of an epoch.
            if savedStep != state.position.runStep { try saveCheckpoint() }
            try reportTimes()
            try communicator.during(.saving) { try checkpoints.finish() }
            try journal?.event("stopped by a signal after step \(state.position.runStep); continue with --resume")
            return .stopped
        }
    }

    /// The text of config.yaml: the values that the run continues with, after comments with earlier values.
    public var configurationText: String { state.yaml(configuration) }

    private func runStages() throws {
        while state.position.stage < plans.count {
            try stopIfRequested()
            let plan = plans[state.position.stage]
            try evaluateIfPending(plan)
            try warmStartPredictorIfDue(plan)
            while state.position.epoch < plan.epochs && !state.hasStagnated(patience: plan.patience) {
                if case .recalibrate(let stage) = plan { try runRecalibration(plan, stage) } else { try runEpoch(plan) }
            }
            if state.position.epoch < plan.epochs {
                try journal?.event(
                    "\(plan.name) ends after epoch \(state.position.epoch) of \(plan.epochs): \(plan.patience) "
                        + "\(plan.patience == 1 ? "evaluation" : "evaluations") without a better score")
            }
            state.beginNextStage()
            // The moments belong to the loss and the learning rate of the finished stage.
            optimizer.reset()
            handAveragesOver()
        }
    }

    /// Throws `StopRequest` on all ranks if some rank received a signal. Collective. Training steps exchange this flag with their other
    /// sums.
    func stopIfRequested() throws {
        var requests = [StopSignals.wasReceived ? 1.0 : 0]
        try communicator.allReduceSum(&requests, label: "whether to stop")
        if requests[0] > 0 { throw StopRequest() }
    }

    /// The note that a resumed run begins with.
    ///
    /// - Parameters:
    ///   - position: of the checkpoint; nil if there is none.
    ///   - stagnates: whether the stage of the position ends early.
    static func resumeNote(_ position: TrainingPosition?, stagnates: Bool = false, folder: String, plans: [StagePlan]) -> String {
        guard var position else { return "\(folder) holds no checkpoint: starting from the beginning" }
        // The position of a stage's last checkpoint is after its last epoch.
        var isEnded = stagnates
        while position.stage < plans.count, isEnded || position.epoch >= plans[position.stage].epochs {
            position.stage += 1
            position.epoch = 0
            isEnded = false
        }
        guard position.stage < plans.count else { return "the run is complete already: evaluating its weights" }
        return "resuming stage \(plans[position.stage].name) at epoch \(position.epoch + 1), step \(position.step + 1) "
            + "(step \(position.runStep + 1) of the run)"
    }
}
