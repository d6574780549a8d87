import NeuralNetwork

/// A dynamic resolution network: a decider that picks one of the candidate resolutions for each image, and a classifier with one batch norm
/// for each of them (Zhu et al., "Dynamic Resolution Network", NeurIPS 2021, arXiv 2106.02898).
///
/// Images come in at the largest resolution, [N, r_1, r_1, 3], and are resized for the predictor and for the classifier. This is the
/// network in training; `FrozenDRNet` is the one for inference.
public final class DRNet {
    /// Candidates, largest first.
    public let resolutions: [Int]
    public let classifier: Network
    /// Nil for a multi-resolution classifier that was not (yet) given a decider.
    public let decider: Decider?
    /// The network of the decider: the predictor, or the head of a cascade. Nil if the decider has none.
    public let predictor: Network?
    /// What the outputs of `predictor` mean.
    public let outputs: DecisionOutputs
    public let classCount: Int
    public let flops: FLOPsModel
    /// The costs that decisions weigh, in `costUnit`.
    public let costs: ImageCosts
    public let costUnit: CostUnit
    let resizer: ImageResizer
    /// The side of the centre crop that evaluation shows each resolution, as a share of the image's side.
    let evaluationViews: [Double]

    /// - Parameters:
    ///   - resolutions: candidates, largest first.
    ///   - predictor: with one output for each resolution. Nil exactly if the decider has no network.
    ///   - outputs: what the predictor's outputs mean.
    ///   - costs: the milliseconds that decisions weigh; nil for multiply-adds.
    ///   - evaluationViews: the side of the centre crop that each resolution sees in evaluation, as a share of the image's side; nil for
    ///     whole images. Training and the predictor always see whole images.
    public init(
        resolutions: [Int], classifier: Network, decider: Decider?, predictor: Network?, outputs: DecisionOutputs = .policy,
        classCount: Int, costs: ImageCosts? = nil, evaluationViews: [Double]? = nil
    ) {
        precondition(zip(resolutions, resolutions.dropFirst()).allSatisfy { $0 > $1 }, "resolutions must decrease")
        precondition((predictor != nil) == (decider?.hasNetwork ?? false), "a decider and its network belong together")
        self.resolutions = resolutions
        self.classifier = classifier
        self.decider = decider
        self.predictor = predictor
        self.outputs = outputs
        self.classCount = classCount
        resizer = ImageResizer(resolutions: resolutions, predictorInputSize: decider?.inputSize ?? resolutions[0])
        self.evaluationViews = evaluationViews ?? resolutions.map { _ in 1 }
        flops = FLOPsModel(classifier: classifier, resolutions: resolutions, decider: decider, predictor: predictor)
        self.costs = costs ?? flops.costs
        costUnit = costs == nil ? .multiplyAdds : .milliseconds
    }

    /// The published form, or a classifier without a choice.
    public convenience init(
        resolutions: [Int], classifier: Network, predictor: Network?, predictorInputSize: Int, classCount: Int
    ) {
        self.init(
            resolutions: resolutions, classifier: classifier, decider: predictor.map { _ in .network(inputSize: predictorInputSize) },
            predictor: predictor, classCount: classCount)
    }

    /// The networks that have parameters, classifier first.
    public var networks: [Network] { [classifier] + (predictor.map { [$0] } ?? []) }

    /// Side of the predictor's input, in pixels; the largest resolution without one.
    public var predictorInputSize: Int { decider?.inputSize ?? resolutions[0] }

    /// Images [N, r_1, r_1, 3] → [N, r_p, r_p, 3].
    public func imagesForPredictor(_ images: Tensor) -> Tensor { resizer.resizingForPredictor(images) }

    /// Images [N, r_1, r_1, 3] → [N, r_j, r_j, 3].
    public func resizing(_ images: Tensor, toResolution index: Int) -> Tensor { resizer.resizing(images, toResolution: index) }
}
