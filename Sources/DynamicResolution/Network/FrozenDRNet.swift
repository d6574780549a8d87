import NeuralNetwork

/// A DRNet for inference: a copy of a DRNet's values at one moment. Training may change the DRNet afterwards; the copy stays the same.
/// Images come in at the largest resolution, [N, r_1, r_1, 3].
///
/// Thread-safe: calls can run at the same time.
public struct FrozenDRNet: Sendable {
    /// Candidates, largest first, in pixels.
    public let resolutions: [Int]
    public let classCount: Int
    public private(set) var flops: FLOPsModel
    /// The costs that decisions weigh, in `costUnit`.
    public private(set) var costs: ImageCosts
    public let costUnit: CostUnit
    /// What chooses resolutions; nil if all images take one.
    public private(set) var decider: Decider?
    /// Without a decider: the index of the resolution that all images take.
    public private(set) var fixedIndex = 0
    /// What the outputs of the decider's network mean.
    package let outputs: DecisionOutputs
    package let classifier: FrozenNetwork
    /// The network of the decider; also there if the decider in use has none.
    package let predictor: FrozenNetwork?
    private let resizer: ImageResizer

    public init(_ model: DRNet) {
        resolutions = model.resolutions
        classCount = model.classCount
        flops = model.flops
        costs = model.costs
        costUnit = model.costUnit
        decider = model.decider
        outputs = model.outputs
        classifier = FrozenNetwork(model.classifier)
        predictor = model.predictor.map { FrozenNetwork($0) }
        resizer = ImageResizer(
            resolutions: model.resolutions, predictorInputSize: model.predictorInputSize, views: model.evaluationViews)
    }

    /// The same weights with a cascade by a threshold in place of the trained decider.
    public func withThresholdCascade() -> FrozenDRNet {
        var copy = self
        copy.decider = .cascade(.threshold)
        copy.flops = FLOPsModel(resolutions: resolutions, costs: flops.costs.deciding(isCascade: true, predictor: 0))
        copy.costs = costs.deciding(isCascade: true, predictor: 0)
        return copy
    }

    /// The same weights without a decider: all images take one resolution.
    ///
    /// - Parameter index: of the resolution.
    public func withFixedResolution(_ index: Int) -> FrozenDRNet {
        precondition(resolutions.indices.contains(index), "no such resolution")
        var copy = self
        copy.decider = nil
        copy.fixedIndex = index
        copy.flops = FLOPsModel(resolutions: resolutions, costs: flops.costs.deciding(isCascade: false, predictor: 0))
        copy.costs = costs.deciding(isCascade: false, predictor: 0)
        return copy
    }

    /// Whether images have a choice of resolutions; otherwise all take the one of `fixedIndex`.
    public var hasDecider: Bool { decider != nil }

    /// Images [N, r_1, r_1, 3] → [N, r_j, r_j, 3]: the centre crop that the resolution sees in evaluation.
    public func resizing(_ images: Tensor, toResolution index: Int) -> Tensor { resizer.resizing(images, toResolution: index) }

    /// R [r_j × r_1] with `resizing(X)` = R X Rᵀ for each colour; nil where the image does not change.
    ///
    /// - Parameter index: of the resolution; nil for the predictor's input.
    package func resizeMatrix(toResolution index: Int?) -> [Float]? { resizer.matrix(toResolution: index) }

    /// What a decider says of some images.
    public struct Decision {
        /// The value of each resolution [N × m], without the costs.
        public let scores: [Double]
        /// The classifier's logits at the smallest resolution [N, 1, 1, classes], if the decision needed them.
        public let smallest: Tensor?
    }

    /// Runs the decider; nil without one.
    public func decide(_ images: Tensor) throws -> Decision? {
        switch decider {
        case nil: return nil
        case .network:
            guard let predictor else { preconditionFailure("a predictor without a network") }
            let logits = try predictor.logits(resizer.resizingForPredictor(images))
            return Decision(scores: outputs.scores(logits.values, columns: resolutions.count), smallest: nil)
        case .cascade(let head):
            let last = resolutions.count - 1
            return try decide(classifier.forward(resizing(images, toResolution: last), resolutionIndex: last), head)
        }
    }

    /// The decision of a cascade, from the classifier's pass at the smallest resolution.
    public func decide(_ smallest: NetworkForward, _ head: CascadeHead) throws -> Decision {
        let scores: [Double]
        switch head {
        case .threshold: scores = CascadeEvidence.thresholdScores(CascadeEvidence.doubts(smallest.output), resolutions: resolutions.count)
        case .learned:
            guard let predictor else { preconditionFailure("a learned head without a network") }
            scores = outputs.scores(try predictor.logits(CascadeEvidence.vectors(smallest)).values, columns: resolutions.count)
        }
        return Decision(scores: scores, smallest: smallest.output)
    }

    /// The resolution index of each image: argmax_j (score_j − λ C_j). `fixedIndex` without a decider.
    ///
    /// - Parameter costWeight: λ, in units of the scores for the cost of the largest resolution; 0 for the decider's own choice.
    public func route(_ images: Tensor, costWeight: Double = 0) throws -> [Int] {
        guard let decision = try decide(images) else { return [Int](repeating: fixedIndex, count: images.shape.batch) }
        return choices(decision, costWeight: costWeight)
    }

    /// The resolution index of each image of a decision: argmax_j (score_j − λ C_j).
    public func choices(_ decision: Decision, costWeight: Double = 0) -> [Int] {
        Router.choices(scores: decision.scores, costs: costs.relativeChoices, costWeight: costWeight)
    }

    /// Logits [N, 1, 1, classes] of images of the largest resolution, classified at one resolution.
    public func classify(_ images: Tensor, resolutionIndex: Int) throws -> Tensor {
        try classifyResized(resizing(images, toResolution: resolutionIndex), resolutionIndex: resolutionIndex)
    }

    /// Logits [N, 1, 1, classes] of images [N, r_j, r_j, 3] that have the resolution's size already.
    public func classifyResized(_ images: Tensor, resolutionIndex: Int) throws -> Tensor {
        try forwardResized(images, resolutionIndex: resolutionIndex).output
    }

    /// Logits and features of images [N, r_j, r_j, 3] that have the resolution's size already.
    public func forwardResized(_ images: Tensor, resolutionIndex: Int) throws -> NetworkForward {
        try classifier.forward(images, resolutionIndex: resolutionIndex)
    }
}
