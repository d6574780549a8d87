import Communication
import DynamicResolution
import Foundation
import ImageData
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

    var communicator: Communicator { exchange.communicator }

    /// Builds the model and, with `resume`, continues from the newest valid checkpoint of the run folder; from the beginning where
    /// there is none. Collective.
    ///
    /// - Parameter console: shows progress and notes; on rank 0 only.
    public init(
        _ configuration: TrainingConfiguration, data: TrainingData, communicator: Communicator, runFolder: RunFolder,
        resume: Bool, console: ProgressReporter?
    ) throws {
        self.configuration = configuration
        self.data = data
        exchange = RankExchange(communicator)
        let note = { (text: String) in if let console { console.note(text) } }
        let model = try DRNet(configuration, classCount: data.folder.classes.count, note: note)
        self.model = model
        optimizer = SGD(model.networks, SGD.Options(configuration.optimizer))
        trainingStep = TrainingStep(
            model: model, ranks: communicator.rankCount > 1 ? exchange : nil,
            globalBatchNorm: configuration.batchNorm.mode == .global,
            labelSmoothing: Float(configuration.optimizer.labelSmoothing))
        checkpoints = RunCheckpoints(
            folder: runFolder.checkpoints, keep: configuration.checkpoints.keep, model: model, optimizer: optimizer)
        plans = StagePlan.plans(configuration.stages)
        regularizer = model.predictor == nil ? nil : try FLOPsRegularizer(configuration.policy, model.flops)
        let identity = RunIdentity(configuration, data: data.folder)
        let restored = resume ? try checkpoints.restore(identity: identity, exchange, note: note) : nil
        state = restored ?? TrainingState(identity: identity)
        if restored == nil { try exchange.broadcast(model.networks, nil) }
        if resume { note(Self.resumeNote(restored, folder: runFolder.path, plans: plans)) }
        journal = try console.map {
            try RunJournal(
                runFolder: runFolder, console: $0, resolutions: configuration.resolutions,
                afterStep: restored?.position.runStep)
        }
    }

    /// Trains until all stages are done or a signal asks to stop. Collective.
    public func run() throws -> Outcome {
        StopSignals.listen()
        lastCheckpointTime = Date()
        while state.position.stage < plans.count {
            let plan = plans[state.position.stage]
            if try run(plan) == .stopped { return .stopped }
            state.position.stage += 1
            state.position.epoch = 0
            // Momentum gathered under another loss and learning rate would only disturb the next stage.
            optimizer.reset()
        }
        return .finished(try finalEvaluation())
    }

    enum Progress { case running, stopped }

    private func run(_ plan: StagePlan) throws -> Progress {
        if case .recalibrate(let stage) = plan {
            if state.position.epoch > 0 { return .running }
            try recalibrate(batches: stage.batches)
            state.position.runEpoch += 1
            // The statistics are new: a checkpoint of its own.
            state.position.runStep += 1
            state.position.epoch = 1
            try saveCheckpoint(isBest: try evaluateEpoch(plan))
            return .running
        }
        while state.position.epoch < plan.epochs {
            if try runEpoch(plan) == .stopped { return .stopped }
        }
        return .running
    }

    private static func resumeNote(_ state: TrainingState?, folder: String, plans: [StagePlan]) -> String {
        guard let position = state?.position else { return "\(folder) holds no checkpoint to resume: starting from the beginning" }
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
    init(_ configuration: TrainingConfiguration, data: ImageFolder) {
        self.init(
            seed: configuration.seed, resolutions: configuration.resolutions, classes: data.classes,
            trainingImages: data.training.count, batchSize: configuration.optimizer.batchSize,
            accumulationSteps: configuration.optimizer.accumulationSteps,
            stages: StagePlan.plans(configuration.stages).map(\.name))
    }
}
