import DynamicResolution
import NeuralNetwork
import Training

/// A training step like the trainer's: the gradients, their sum over the ranks, the batch-norm statistics and the update.
///
/// It leaves out what the steps of other programs do not do: the norm of the gradient, the comparison of the replicas and the records.
private struct TrainerStep {
    let job: Job
    let model: DRNet
    let step: TrainingStep
    private let exchange: RankExchange
    private let optimizer: Optimizer

    init(_ model: DRNet, _ job: Job) {
        self.job = job
        self.model = model
        exchange = RankExchange(job.communicator)
        step = TrainingStep(
            model: model, ranks: job.communicator.rankCount > 1 ? exchange : nil, globalBatchNorm: false, loss: ClassificationLoss())
        optimizer = Optimizer(
            model.networks,
            Optimizer.Options(rule: .sgd(momentum: 0.9, nesterov: false), weightDecay: 1e-4, decaysNormAndBias: true),
            context: job.context)
    }

    func run(_ gradients: () throws -> StepReport) throws -> StepSample {
        StepSample(
            seconds: try job.seconds {
                for network in model.networks { network.arena.clearGradients() }
                var sums = try gradients().vector
                try exchange.reduceGradients(model.networks)
                try exchange.reduceStatistics(step.statistics, momentum: 0.1, extra: &sums)
                optimizer.step(learningRates: model.networks.map { _ in 0.01 })
            })
    }
}

/// Training a plain classifier.
struct ClassifierTraining: Workload {
    let cost: WorkloadCost
    private let trainer: TrainerStep
    private let images: RandomImages
    private let globalCount: Int

    init(_ networks: BenchmarkNetworks, _ images: RandomImages, _ job: Job) {
        let count = images.batch.labels.count
        cost = networks.cost(isTraining: true, images: count, passImages: count)
        trainer = TrainerStep(networks.model, job)
        self.images = images
        globalCount = count * job.communicator.rankCount
    }

    func step() throws -> StepSample {
        try trainer.run { try trainer.step.warmUp([images.batch], globalCount: globalCount) }
    }
}

/// Fine-tuning with the published estimator. Consecutive images cycle through the resolutions.
struct DRNetTraining: Workload {
    let cost: WorkloadCost
    private let trainer: TrainerStep
    private let images: RandomImages
    private let globalCount: Int
    private let options: FineTuneOptions

    /// Noise that is large enough to override the predictor's own logits, which are a few units.
    private static let decidingNoise: Float = 30

    init(_ networks: BenchmarkNetworks, _ images: RandomImages, _ job: Job) {
        let (count, columns) = (images.batch.labels.count, networks.model.resolutions.count)
        cost = networks.cost(isTraining: true, images: count, passImages: count / columns)
        trainer = TrainerStep(networks.model, job)
        self.images = images
        globalCount = count * job.communicator.rankCount
        let flops = networks.model.flops
        options = FineTuneOptions(
            estimator: StraightThrough(),
            regularizer: FLOPsRegularizer(weight: 1, target: flops.smallest, costs: flops.classifier), temperature: 1,
            noise: { batch in
                let gumbel = batch.sampleIndices.flatMap { sample in
                    (0..<columns).map { $0 == sample % columns ? Self.decidingNoise : 0 }
                }
                return PolicyNoise(gumbel: gumbel, probes: batch.sampleIndices.map { _ in 0 })
            })
    }

    func step() throws -> StepSample {
        try trainer.run {
            let report = try trainer.step.fineTune([images.batch], globalCount: globalCount, options)
            try UnevenRouting.check(report.routed.map { Int($0) })
            return report
        }
    }
}
