import NeuralNetwork

/// A dynamic resolution network: a predictor that picks one of the candidate resolutions for each image, and a classifier with
/// one batch norm for each of them (Zhu et al., "Dynamic Resolution Network", NeurIPS 2021, arXiv 2106.02898).
///
/// Images come in at the largest resolution, [N, r_1, r_1, 3], and are resized for the predictor and for the classifier.
public final class DRNet {
    /// Candidates, largest first.
    public let resolutions: [Int]
    public let classifier: Network
    /// Nil for a multi-resolution classifier that was not (yet) given a predictor.
    public let predictor: Network?
    public let predictorInputSize: Int
    public let classCount: Int
    public let flops: FLOPsModel
    private let resizer = ImageResizer()
    /// Set while the weights stay as they are, so that inference prepares them once; `whileFrozen` does.
    private var frozenWeights: FrozenWeights?

    public init(
        resolutions: [Int], classifier: Network, predictor: Network?, predictorInputSize: Int, classCount: Int
    ) {
        precondition(zip(resolutions, resolutions.dropFirst()).allSatisfy { $0 > $1 }, "resolutions must decrease")
        self.resolutions = resolutions
        self.classifier = classifier
        self.predictor = predictor
        self.predictorInputSize = predictorInputSize
        self.classCount = classCount
        flops = FLOPsModel(
            classifier: classifier, resolutions: resolutions, predictor: predictor,
            predictorInputSize: predictorInputSize)
    }

    /// The networks that have parameters, classifier first.
    public var networks: [Network] { [classifier] + (predictor.map { [$0] } ?? []) }

    public func imagesForPredictor(_ images: Tensor) -> Tensor {
        resizer.resize(images, to: predictorInputSize)
    }

    /// Images [N, r_1, r_1, 3] → [N, r_j, r_j, 3].
    public func resizing(_ images: Tensor, toResolution index: Int) -> Tensor {
        resizer.resize(images, to: resolutions[index])
    }
}

// MARK: - Inference

extension DRNet {
    /// Calls `body`, in which the networks' weights do not change: inference then prepares them once for all batches.
    public func whileFrozen<Result>(_ body: () throws -> Result) rethrows -> Result {
        if frozenWeights != nil { return try body() }
        freeze()
        defer { frozenWeights = nil }
        return try body()
    }

    /// For a network that is never trained again.
    public func freeze() { frozenWeights = FrozenWeights() }

    /// log π [N × m], the predictor's logarithmic probabilities of the resolutions, without noise; nil where there is no predictor.
    public func logProbabilities(_ images: Tensor) throws -> [Double]? {
        guard let predictor else { return nil }
        let logits = try predictor.forward(imagesForPredictor(images), Pass(.evaluation, frozenWeights: frozenWeights)).output
        return Logits.logSoftmax(logits.values, columns: resolutions.count)
    }

    /// The resolution index of each image: argmax_j (log π_j − λ C_j), without noise. Index 0, the largest, where there is no
    /// predictor.
    ///
    /// - Parameter costWeight: λ, in nats for the cost of the largest resolution; 0 for what the predictor picks by itself.
    public func route(_ images: Tensor, costWeight: Double = 0) throws -> [Int] {
        guard let logProbabilities = try logProbabilities(images) else { return [Int](repeating: 0, count: images.shape.batch) }
        return Router.choices(logProbabilities: logProbabilities, costs: flops.relativeCosts, costWeight: costWeight)
    }

    /// Logits [N, 1, 1, classes] of images, that come in at the largest resolution, classified at one resolution.
    public func classify(_ images: Tensor, resolutionIndex: Int) throws -> Tensor {
        try classifyResized(resizing(images, toResolution: resolutionIndex), resolutionIndex: resolutionIndex)
    }

    /// Logits [N, 1, 1, classes] of images [N, r_j, r_j, 3] that have the resolution's size already.
    public func classifyResized(_ images: Tensor, resolutionIndex: Int) throws -> Tensor {
        try classifier.forward(images, Pass(.evaluation, resolutionIndex: resolutionIndex, frozenWeights: frozenWeights)).output
    }
}
