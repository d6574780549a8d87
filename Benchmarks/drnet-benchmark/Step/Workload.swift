import DynamicResolution
import Kernels
import NeuralNetwork
import Randomness

/// Something that can be done again and again.
protocol Workload {
    var cost: WorkloadCost { get }
    /// Does it once on this rank's images. Collective.
    func step() throws -> StepSample
}

struct StepSample {
    var seconds: Double
    /// Of the largest resolution on as many images, where the workload runs it too.
    var fixedSeconds: Double?
}

/// What an image of a workload costs.
struct WorkloadCost {
    /// Multiply-adds of the forward pass, predictor included.
    var multiplyAdds: Double
    var isTraining: Bool
    var traffic: MemoryTraffic
    /// The forward pass's multiply-adds relative to the classifier at the largest resolution; for `dynamic`.
    var shareOfLargest: Double?

    /// Two for each multiply-add; the backward pass computes two products where the forward pass computes one.
    var flops: Double { 2 * multiplyAdds * (isTraining ? 3 : 1) }
}

/// The networks of a case, as torchvision initialises them, with ImageNet's 1000 classes.
struct BenchmarkNetworks {
    let model: DRNet
    static let classCount = 1000

    /// - Parameter predictorPixels: nil without a predictor; otherwise the published one.
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

    /// What it costs to classify each image at one resolution, evenly spread over them, with the predictor in front where there is one.
    ///
    /// - Parameters:
    ///   - images: of a step on this rank.
    ///   - passImages: of a forward pass of the classifier.
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
            multiplyAdds: flops.mean(shares: resolutions.map { _ in share }) + flops.predictor, isTraining: isTraining,
            traffic: MemoryTraffic(parts, updates: isTraining ? model.networks : [], stepImages: images))
    }
}

/// Random images of this rank, with labels.
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

/// Images were not spread evenly over the resolutions, as the cost of a step supposes.
struct UnevenRouting: Error, CustomStringConvertible {
    var images: [Int]

    var description: String { "images of the resolutions should be as many each, and are \(images)" }

    static func check(_ images: [Int]) throws {
        guard Set(images).count == 1 else { throw UnevenRouting(images: images) }
    }
}
