import NeuralNetwork

/// A DRNet for inference: a copy of a DRNet's values at one moment. Training may change the DRNet afterwards; the copy stays the same.
/// Images come in at the largest resolution, [N, r_1, r_1, 3].
///
/// Thread-safe: calls can run at the same time.
public struct FrozenDRNet: Sendable {
    /// Candidates, largest first, in pixels.
    public let resolutions: [Int]
    public let classCount: Int
    public let flops: FLOPsModel
    private let classifier: FrozenNetwork
    private let predictor: FrozenNetwork?
    private let resizer: ImageResizer

    public init(_ model: DRNet) {
        resolutions = model.resolutions
        classCount = model.classCount
        flops = model.flops
        classifier = FrozenNetwork(model.classifier)
        predictor = model.predictor.map { FrozenNetwork($0) }
        resizer = model.resizer
    }

    /// Whether images have a choice of resolutions; without a predictor all take the largest.
    public var hasPredictor: Bool { predictor != nil }

    /// Images [N, r_1, r_1, 3] → [N, r_j, r_j, 3].
    public func resizing(_ images: Tensor, toResolution index: Int) -> Tensor { resizer.resizing(images, toResolution: index) }

    /// log π [N × m], the predictor's logarithmic probabilities of the resolutions, without noise; nil without a predictor.
    public func logProbabilities(_ images: Tensor) throws -> [Double]? {
        guard let predictor else { return nil }
        return Logits.logSoftmax(try predictor.logits(resizer.resizingForPredictor(images)).values, columns: resolutions.count)
    }

    /// The resolution index of each image: argmax_j (log π_j − λ C_j), without noise. Index 0, the largest, without a predictor.
    ///
    /// - Parameter costWeight: λ, in nats for the cost of the largest resolution; 0 for the predictor's own choice.
    public func route(_ images: Tensor, costWeight: Double = 0) throws -> [Int] {
        guard let logProbabilities = try logProbabilities(images) else { return [Int](repeating: 0, count: images.shape.batch) }
        return Router.choices(logProbabilities: logProbabilities, costs: flops.relativeCosts, costWeight: costWeight)
    }

    /// Logits [N, 1, 1, classes] of images of the largest resolution, classified at one resolution.
    public func classify(_ images: Tensor, resolutionIndex: Int) throws -> Tensor {
        try classifyResized(resizing(images, toResolution: resolutionIndex), resolutionIndex: resolutionIndex)
    }

    /// Logits [N, 1, 1, classes] of images [N, r_j, r_j, 3] that have the resolution's size already.
    public func classifyResized(_ images: Tensor, resolutionIndex: Int) throws -> Tensor {
        try classifier.logits(images, resolutionIndex: resolutionIndex)
    }
}
