import DynamicResolution
import Kernels
import NeuralNetwork
import Randomness

/// A unit of work that is measured repeatedly.
protocol Workload {
    /// The cost of one image.
    var cost: WorkloadCost { get }
    /// Runs the work once on this rank's images. Collective.
    func step() throws -> StepSample
}

/// The times of one step.
struct StepSample {
    /// The duration of the step.
    var seconds: Double
    /// The duration at the largest resolution, for the same number of images; nil if the workload does not run it.
    var fixedSeconds: Double?
}

/// The cost of one image of a workload.
struct WorkloadCost {
    /// Multiply-adds of the forward pass, predictor included.
    var multiplyAdds: Double
    /// Whether each step has a backward pass.
    var isTraining: Bool
    /// The bytes that go through memory.
    var traffic: MemoryTraffic
    /// The forward pass's multiply-adds divided by those of the classifier at the largest resolution; nil for all passes except `dynamic`.
    var shareOfLargest: Double?

    /// FLOPs: two for each multiply-add. The backward pass computes two products for each product of the forward pass.
    var flops: Double { 2 * multiplyAdds * (isTraining ? 3 : 1) }
}

/// The networks of a case, initialised as in torchvision, with ImageNet's 1000 classes.
struct BenchmarkNetworks {
    let model: DRNet
    static let classCount = 1000

    /// - Parameter predictorPixels: the input size of the published predictor; nil for no predictor.
    init(backbone: Backbone, resolutions: [Int], predictorPixels: Int?) {
        let classifier = backbone.architecture().makeNetwork(outputs: Self.classCount, resolutionCount: resolutions.count)
        classifier.arena.initialize(seed: 1, stream: 0)
        let predictor = predictorPixels.map { _ in
            ResNet.Architecture(predictorWidths: [64, 64, 128, 256, 512]).makeNetwork(outputs: resolutions.count, resolutionCount: nil)
        }
        predictor?.arena.initialize(seed: 1, stream: 1)
        model = DRNet(
            resolutions: resolutions, classifier: classifier, predictor: predictor,
            predictorInputSize: predictorPixels ?? resolutions[0], classCount: Self.classCount)
    }

    /// Returns the mean cost of an image. Each image is classified at one resolution, and the images are spread evenly over the
    /// resolutions. The cost includes the predictor, if there is one.
    ///
    /// - Parameters:
    ///   - isTraining: whether the cost is that of a training step.
    ///   - images: the number of images of a step on this rank.
    ///   - passImages: the number of images of a forward pass of the classifier.
    func cost(isTraining: Bool, images: Int, passImages: Int) -> WorkloadCost {
        let (resolutions, flops) = (model.resolutions, model.flops)
        let share = 1 / Double(resolutions.count)
        var parts = resolutions.map {
            MemoryTraffic.Part(network: model.classifier, pixels: $0, share: share, passImages: passImages)
        }
        if let predictor = model.predictor {
            parts.append(.init(network: predictor, pixels: model.predictorInputSize, share: 1, passImages: images))
        }
        return WorkloadCost(
            multiplyAdds: flops.costs.mean(shares: resolutions.map { _ in share }), isTraining: isTraining,
            traffic: MemoryTraffic(parts, updates: isTraining ? model.networks : [], stepImages: images))
    }
}

/// Random images and labels for this rank.
struct RandomImages {
    let batch: MicroBatch

    init(count: Int, size: Int, rank: Int, _ context: KernelContext) {
        let shape = Shape(batch: count, height: size, width: size, channels: 3)
        let images = Tensor(shape, context)
        for image in 0..<count {
            var random = CounterRandom(seed: 1, purpose: .synthesis, step: rank, sample: image)
            let pixels = images.image(image)
            for index in 0..<size * size * 3 { pixels[index] = random.uniform(-2, 2) }
        }
        batch = MicroBatch(
            images: images, labels: (0..<count).map { Int32($0 * 7 % BenchmarkNetworks.classCount) },
            sampleIndices: Array(0..<count))
    }
}

/// The images were not spread evenly over the resolutions, as `cost` assumes.
struct UnevenRouting: Error, CustomStringConvertible {
    /// The number of images at each resolution.
    var images: [Int]

    var description: String { "all resolutions should have the same number of images, but they have \(images)" }

    static func check(_ images: [Int]) throws {
        guard Set(images).count == 1 else { throw UnevenRouting(images: images) }
    }
}
