import Communication
import Configuration
import DynamicResolution
import Foundation
import Inference
import NeuralNetwork

/// A training step that leaves the weights as they are: the gradients of some micro-batches, and their sum over the ranks.
final class TrialStep {
    /// The times of a step on this rank, in seconds.
    struct Times {
        /// Until this rank's gradients are there.
        var computing: Double
        var whole: Double
    }

    private let configuration: TrainingConfiguration
    private let plan: StagePlan
    private let model: DRNet
    private let exchange: RankExchange
    private let training: TrainingStep
    private let regularizer: FLOPsRegularizer?

    /// - Parameters:
    ///   - configuration: of the run. Teachers and class weights are left out.
    ///   - plan: the stage; not recalibration.
    ///   - model: receives gradients.
    ///   - communicator: of this rank.
    init(_ configuration: TrainingConfiguration, _ plan: StagePlan, _ model: DRNet, _ communicator: Communicator) throws {
        self.configuration = configuration
        self.plan = plan
        self.model = model
        exchange = RankExchange(communicator)
        training = TrainingStep(
            model: model, ranks: communicator.rankCount > 1 ? exchange : nil,
            globalBatchNorm: configuration.batchNorm.mode == .global, loss: ClassificationLoss(),
            balance: configuration.communication.balance == .flops ? exchange : nil)
        regularizer = try plan.usesPredictor ? FLOPsRegularizer(configuration.policy, model.flops) : nil
    }

    /// Collective.
    func run(_ batches: [MicroBatch]) throws -> Times {
        try exchange.communicator.barrier(label: "before a trial step")
        let start = Date()
        for network in model.networks { network.arena.clearGradients() }
        let count = batches.reduce(0) { $0 + $1.labels.count }
        let globalCount = Int(try exchange.communicator.sum(Double(count), label: "images of a trial step"))
        switch plan {
        case .warmUp(let stage):
            _ = try training.warmUp(batches, globalCount: globalCount, distillation: stage.distillation)
        case .fineTune(let stage):
            if let regularizer { _ = try training.fineTune(batches, globalCount: globalCount, options(stage, regularizer)) }
        case .recalibrate:
            preconditionFailure("recalibration has no gradients")
        }
        let computing = Date().timeIntervalSince(start)
        try exchange.reduceGradients(plan.usesPredictor ? model.networks : [model.classifier])
        training.statistics.forEach { $0.clear() }
        return Times(computing: computing, whole: Date().timeIntervalSince(start))
    }

    private func options(_ stage: TrainingConfiguration.FineTuneStage, _ regularizer: FLOPsRegularizer) -> FineTuneOptions {
        let (seed, columns) = (configuration.seed, model.resolutions.count)
        return FineTuneOptions(
            estimator: configuration.policy.estimator.makeEstimator(), regularizer: regularizer, policyTerms: configuration.policy.terms,
            temperature: Float(configuration.policy.temperature(progress: 0)), batchNormImages: configuration.policy.batchNormImages,
            frozen: stage.freeze, noise: { PolicyNoise(seed: seed, epoch: 0, sampleIndices: $0.sampleIndices, columns: columns) })
    }
}
