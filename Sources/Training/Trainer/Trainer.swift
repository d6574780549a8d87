import Configuration
import Inference
import Evaluation
import Communication
import DynamicResolution
import Foundation
import Kernels
import NeuralNetwork

/// Runs the stages of a configuration on this rank, from the beginning or from a checkpoint. Every rank calls the same methods in
/// the same order: whatever decides about collectives is reduced over the ranks first.
public final class Trainer {
    /// How a run ended.
    public enum Outcome {
        /// All stages are done; the evaluation of the final weights.
        case finished(Evaluation)
        /// A signal asked for it; the checkpoint to continue from is written.
        case stopped
    }

    public let configuration: TrainingConfiguration
    public let model: DRNet
    let context: KernelContext
    let exchange: RankExchange
    let data: TrainingData
    let optimizer: SGD
    let trainingStep: TrainingStep
    let checkpoints: RunCheckpoints
    /// On rank 0 only.
    let journal: RunJournal?
    let plans: [StagePlan]
    let regularizer: FLOPsRegularizer?
    var state: TrainingState
    var lastCheckpointTime = Date()
    /// The step whose checkpoint is on disk; nil where there is none.
    var savedStep: Int?

    var communicator: Communicator { exchange.communicator }

    /// Builds the model and, with `resume`, continues from the newest valid checkpoint of the run folder; from the beginning where
    /// there is none. Collective.
    ///
    /// - Parameters:
    ///   - context: what training and evaluation compute with.
    ///   - console: shows progress and notes; on rank 0 only.
    public init(
        _ configuration: TrainingConfiguration, data: TrainingData, communicator: Communicator, context: KernelContext,
        runFolder: RunFolder, resume: Bool, console: ProgressReporter?
    ) throws {
        self.configuration = configuration
        self.data = data
        self.context = context
        exchange = RankExchange(communicator)
        let note = { (text: String) in if let console { console.note(text) } }
        let identity = RunIdentity(configuration, data: data)
        let found =
            resume
            ? try FoundCheckpoint(in: runFolder.checkpoints, identity: identity, communicator, note: note) : nil
        // Pretrained files were the beginning of the run; to go on they need not be there any more.
        let model = try DRNet(
            found == nil ? configuration : configuration.withoutPretrained, classCount: data.folder.classes.count, note: note)
        self.model = model
        optimizer = SGD(model.networks, SGD.Options(configuration.optimizer), context: context)
        trainingStep = TrainingStep(
            model: model, ranks: communicator.rankCount > 1 ? exchange : nil,
            globalBatchNorm: configuration.batchNorm.mode == .global,
            labelSmoothing: Float(configuration.optimizer.labelSmoothing))
        checkpoints = RunCheckpoints(
            folder: runFolder.checkpoints, keep: configuration.checkpoints.keep, model: model, optimizer: optimizer)
        plans = StagePlan.plans(configuration.stages)
        regularizer = model.predictor == nil ? nil : try FLOPsRegularizer(configuration.policy, model.flops)
        if let found { try checkpoints.restore(found) }
        try exchange.broadcast(model.networks, found == nil ? nil : optimizer)
        state = found?.state ?? TrainingState(identity: identity)
        savedStep = found?.state.position.runStep
        if resume { note(Self.resumeNote(found?.state.position, folder: runFolder.path, plans: plans)) }
        journal = try console.map {
            try RunJournal(
                runFolder: runFolder, console: $0, resolutions: configuration.resolutions,
                afterStep: found?.state.position.runStep)
        }
    }

    /// Trains until all stages are done or a signal asks to stop; `StopSignals.listen` comes before. Collective.
    public func run() throws -> Outcome {
        lastCheckpointTime = Date()
        do {
            try runStages()
            return .finished(try finalEvaluation())
        } catch is StopRequest {
            // Where a stage or an evaluation was about to begin, there may be one already that says the same.
            if savedStep != state.position.runStep { try saveCheckpoint(isBest: false) }
            try journal?.event("stopped by a signal after step \(state.position.runStep); continue with --resume")
            return .stopped
        }
    }

    private func runStages() throws {
        while state.position.stage < plans.count {
            try stopIfAsked()
            let plan = plans[state.position.stage]
            try warmStartPredictorIfDue(plan)
            while state.position.epoch < plan.epochs {
                if case .recalibrate(let stage) = plan { try runRecalibration(plan, stage) } else { try runEpoch(plan) }
            }
            state.position.stage += 1
            state.position.epoch = 0
            // Momentum gathered under another loss and learning rate would only disturb the next stage.
            optimizer.reset()
        }
    }

    /// Ends the run where some rank was asked to. Collective; training steps ask in a collective that they need anyway.
    func stopIfAsked() throws {
        var asked = [StopSignals.wasAsked ? 1.0 : 0]
        try communicator.allReduceSum(&asked, label: "whether to stop")
        if asked[0] > 0 { throw StopRequest() }
    }

    /// - Parameter position: of the checkpoint; nil where there is none.
    static func resumeNote(_ position: TrainingPosition?, folder: String, plans: [StagePlan]) -> String {
        guard var position else { return "\(folder) holds no valid checkpoint to resume: starting from the beginning" }
        // The last checkpoint of a stage stands behind its last epoch.
        while position.stage < plans.count, position.epoch >= plans[position.stage].epochs {
            position.stage += 1
            position.epoch = 0
        }
        guard position.stage < plans.count else { return "the run is complete already: evaluating its weights" }
        return "resuming stage \(plans[position.stage].name) at epoch \(position.epoch + 1), step \(position.step + 1) "
            + "(step \(position.runStep) of the run)"
    }
}

extension SGD.Options {
    init(_ options: TrainingConfiguration.OptimizerOptions) {
        self.init(
            momentum: options.momentum, nesterov: options.nesterov, weightDecay: options.weightDecay,
            decaysNormAndBias: options.decaysNormAndBias)
    }
}

extension RunIdentity {
    init(_ configuration: TrainingConfiguration, data: TrainingData) {
        self.init(
            seed: configuration.seed, resolutions: configuration.resolutions, classes: data.folder.classes,
            trainingImages: data.folder.training.count, imageNames: data.namesChecksum, batchSize: configuration.optimizer.batchSize,
            accumulationSteps: configuration.optimizer.accumulationSteps,
            stages: StagePlan.plans(configuration.stages).map(\.name))
    }
}
