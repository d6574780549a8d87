import DynamicResolution
import Evaluation
import NeuralNetwork

/// Inference with a plain classifier.
struct ClassifierForward: Workload {
    let cost: WorkloadCost
    private let model: FrozenDRNet
    private let images: RandomImages
    private let job: Job

    init(_ networks: BenchmarkNetworks, _ images: RandomImages, _ job: Job) {
        let count = images.batch.labels.count
        cost = networks.cost(isTraining: false, images: count, passImages: count)
        model = FrozenDRNet(networks.model)
        self.images = images
        self.job = job
    }

    func step() throws -> StepSample {
        StepSample(seconds: try job.seconds { _ = try model.classify(images.batch.images, resolutionIndex: 0) })
    }
}

/// Evaluation with the evaluator of `drnet evaluate`. Consecutive images cycle through the resolutions.
///
/// A sample has enough batches to fill one batch of each resolution; with small batches, a multiple of that. The time of a sample is that
/// of one batch, without loading.
struct DRNetEvaluation: Workload {
    let cost: WorkloadCost
    private let dynamic: FrozenDRNet
    private let largest: FrozenDRNet
    private let images: RandomImages
    private let job: Job
    private let batches: Int
    private let rotation = Rotation()

    /// The minimum number of images of a sample. Shorter samples would be mostly noise.
    private static let sampleImages = 24

    init(_ networks: BenchmarkNetworks, _ images: RandomImages, _ job: Job) {
        let (count, model) = (images.batch.labels.count, networks.model)
        guard let network = model.predictor else { preconditionFailure("a dynamic network has a predictor") }
        var cost = networks.cost(isTraining: false, images: count, passImages: count)
        cost.shareOfLargest = cost.multiplyAdds / model.flops.largest
        self.cost = cost
        var definition = network.definition
        definition.architecture = RotatingArchitecture(architecture: definition.architecture, rotation: rotation)
        let predictor = Network(definition)
        predictor.copyValues(from: network)
        dynamic = FrozenDRNet(
            DRNet(
                resolutions: model.resolutions, classifier: model.classifier, predictor: predictor,
                predictorInputSize: model.predictorInputSize, classCount: model.classCount))
        largest = FrozenDRNet(
            DRNet(
                resolutions: [model.resolutions[0]], classifier: model.classifier, predictor: nil,
                predictorInputSize: model.resolutions[0], classCount: model.classCount))
        self.images = images
        self.job = job
        let rotation = count * model.resolutions.count
        batches = model.resolutions.count * max(1, (Self.sampleImages + rotation - 1) / rotation)
    }

    func step() throws -> StepSample {
        let batch = Double(images.batch.labels.count * job.communicator.rankCount)
        rotation.reset()
        let outcome = try evaluate(dynamic, .dynamic)
        try UnevenRouting.check(dynamic.resolutions.indices.map { index in outcome.results.filter { $0.choice == index }.count })
        let fixed = try evaluate(largest, .fixed).speed.fixedLargest ?? .nan
        return StepSample(seconds: batch / (outcome.speed.dynamic ?? .nan), fixedSeconds: batch / fixed)
    }

    private func evaluate(_ model: FrozenDRNet, _ modes: Evaluator.Modes) throws -> Evaluator.Outcome {
        let count = images.batch.labels.count
        let evaluator = Evaluator(model: model, communicator: job.communicator, batchSize: count, modes: modes, context: job.context)
        try job.communicator.barrier(label: "before an evaluation")
        var next = 0
        return try evaluator.run {
            guard next < batches else { return nil }
            defer { next += 1 }
            // Every image of all ranks and batches has its own index.
            let first = (job.communicator.rank * batches + next) * count
            return MicroBatch(
                images: images.batch.images, labels: images.batch.labels, sampleIndices: Array(first..<first + count))
        }
    }
}

/// A predictor that computes its logits, then replaces them: consecutive images cycle through the resolutions.
private struct RotatingArchitecture: NetworkArchitecture {
    let architecture: any NetworkArchitecture
    let rotation: Rotation

    func makeLayers(_ builder: LayerBuilder) -> any NetworkLayers {
        RotatingLayers(layers: architecture.makeLayers(builder), rotation: rotation, resolutionCount: builder.outputs)
    }
}

/// The resolution of the next image. `@unchecked Sendable` is safe: the benchmark runs one pass at a time.
private final class Rotation: @unchecked Sendable {
    private var next = 0

    func reset() { next = 0 }

    func advance(_ count: Int) -> Int {
        defer { next = (next + 1) % count }
        return next
    }
}

private final class RotatingLayers: NetworkLayers {
    private let layers: any NetworkLayers
    private let rotation: Rotation
    private let resolutionCount: Int

    init(layers: any NetworkLayers, rotation: Rotation, resolutionCount: Int) {
        self.layers = layers
        self.rotation = rotation
        self.resolutionCount = resolutionCount
    }

    func layerCosts(_ input: Shape) -> [LayerCost] { layers.layerCosts(input) }

    func forward(_ images: Tensor, _ pass: Pass) throws -> NetworkForward {
        let forward = try layers.forward(images, pass)
        for image in 0..<images.shape.batch {
            let (logits, chosen) = (forward.output.image(image), rotation.advance(resolutionCount))
            for column in 0..<resolutionCount { logits[column] = column == chosen ? 1 : 0 }
        }
        return forward
    }
}
