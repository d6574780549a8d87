import Evaluation
import DynamicResolution
import NeuralNetwork

struct ClassifierForward: Workload {
    let cost: WorkloadCost
    private let model: DRNet
    private let images: RandomImages
    private let job: Job

    init(_ networks: BenchmarkNetworks, _ images: RandomImages, _ job: Job) {
        let count = images.batch.labels.count
        cost = networks.cost(isTraining: false, images: count, passImages: count)
        model = networks.model
        model.freeze()
        self.images = images
        self.job = job
    }

    func step() throws -> StepSample {
        StepSample(seconds: try job.seconds { _ = try model.classify(images.batch.images, resolutionIndex: 0) })
    }
}

/// `drnet evaluate`'s own evaluator, the images' resolutions in rotation. A sample is as many batches as fill each resolution's batch;
/// at small batches several times that. Its seconds are those of one batch, without loading.
struct DRNetEvaluation: Workload {
    let cost: WorkloadCost
    private let dynamic: DRNet
    private let largest: DRNet
    private let images: RandomImages
    private let job: Job
    private let batches: Int
    private let predictor: RotatingPredictor

    /// Images of a sample at least, so that a short one is not all noise.
    private static let sampleImages = 24

    init(_ networks: BenchmarkNetworks, _ images: RandomImages, _ job: Job) {
        let (count, model) = (images.batch.labels.count, networks.model)
        guard let network = model.predictor else { preconditionFailure("a dynamic network has a predictor") }
        var cost = networks.cost(isTraining: false, images: count, passImages: count)
        cost.shareOfLargest = cost.multiplyAdds / model.flops.largest
        self.cost = cost
        predictor = RotatingPredictor(network, resolutionCount: model.resolutions.count)
        dynamic = DRNet(
            resolutions: model.resolutions, classifier: model.classifier, predictor: predictor,
            predictorInputSize: model.predictorInputSize, classCount: model.classCount)
        largest = DRNet(
            resolutions: [model.resolutions[0]], classifier: model.classifier, predictor: nil,
            predictorInputSize: model.resolutions[0], classCount: model.classCount)
        dynamic.freeze()
        largest.freeze()
        self.images = images
        self.job = job
        let rotation = count * model.resolutions.count
        batches = model.resolutions.count * max(1, (Self.sampleImages + rotation - 1) / rotation)
    }

    func step() throws -> StepSample {
        let batch = Double(images.batch.labels.count * job.communicator.rankCount)
        predictor.reset()
        let outcome = try evaluate(dynamic, .dynamic)
        try UnevenRouting.check(dynamic.resolutions.indices.map { index in outcome.results.filter { $0.choice == index }.count })
        let fixed = try evaluate(largest, .fixed).speed.fixedLargest ?? .nan
        return StepSample(seconds: batch / (outcome.speed.dynamic ?? .nan), fixedSeconds: batch / fixed)
    }

    private func evaluate(_ model: DRNet, _ ways: Evaluator.Ways) throws -> Evaluator.Outcome {
        let count = images.batch.labels.count
        let evaluator = Evaluator(model: model, communicator: job.communicator, batchSize: count, ways: ways)
        try job.communicator.barrier(label: "before an evaluation")
        var next = 0
        return try evaluator.run {
            guard next < batches else { return nil }
            defer { next += 1 }
            // Images of all ranks and batches have indices of their own.
            let first = (job.communicator.rank * batches + next) * count
            return MicroBatch(
                images: images.batch.images, labels: images.batch.labels, sampleIndices: Array(first..<first + count))
        }
    }
}

/// A predictor that computes its answer and gives another: the resolutions in rotation.
private final class RotatingPredictor: Network {
    private let network: Network
    private let resolutionCount: Int
    private var next = 0

    init(_ network: Network, resolutionCount: Int) {
        self.network = network
        self.resolutionCount = resolutionCount
    }

    func reset() { next = 0 }

    var arena: ParameterArena { network.arena }
    var batchNorms: [ResolutionAwareBatchNorm] { network.batchNorms }
    func trace(_ shape: Shape, into costs: inout [LayerCost]) { network.trace(shape, into: &costs) }

    func forward(_ images: Tensor, _ pass: Pass) throws -> Forward {
        let forward = try network.forward(images, pass)
        for image in 0..<images.shape.batch {
            let logits = forward.output.image(image)
            for column in 0..<resolutionCount { logits[column] = column == next ? 1 : 0 }
            next = (next + 1) % resolutionCount
        }
        return forward
    }
}
