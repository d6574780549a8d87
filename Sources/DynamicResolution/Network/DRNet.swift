import NeuralNetwork

/// A dynamic resolution network: a predictor that picks one of the candidate resolutions for each image, and a classifier with
/// one batch norm for each of them (Zhu et al., "Dynamic Resolution Network", NeurIPS 2021, arXiv 2106.02898).
///
/// Images come in at the largest resolution, [N, r_1, r_1, 3], and are resized for the predictor and for the classifier. This is the
/// network in training; `FrozenDRNet` is the one for inference.
public final class DRNet {
    /// Candidates, largest first.
    public let resolutions: [Int]
    public let classifier: Network
    /// Nil for a multi-resolution classifier that was not (yet) given a predictor.
    public let predictor: Network?
    public let predictorInputSize: Int
    public let classCount: Int
    public let flops: FLOPsModel
    let resizer: ImageResizer

    public init(
        resolutions: [Int], classifier: Network, predictor: Network?, predictorInputSize: Int, classCount: Int
    ) {
        precondition(zip(resolutions, resolutions.dropFirst()).allSatisfy { $0 > $1 }, "resolutions must decrease")
        self.resolutions = resolutions
        self.classifier = classifier
        self.predictor = predictor
        self.predictorInputSize = predictorInputSize
        self.classCount = classCount
        resizer = ImageResizer(resolutions: resolutions, predictorInputSize: predictorInputSize)
        flops = FLOPsModel(
            classifier: classifier, resolutions: resolutions, predictor: predictor,
            predictorInputSize: predictorInputSize)
    }

    /// The networks that have parameters, classifier first.
    public var networks: [Network] { [classifier] + (predictor.map { [$0] } ?? []) }

    /// Images [N, r_1, r_1, 3] → [N, r_p, r_p, 3].
    public func imagesForPredictor(_ images: Tensor) -> Tensor { resizer.resizingForPredictor(images) }

    /// Images [N, r_1, r_1, 3] → [N, r_j, r_j, 3].
    public func resizing(_ images: Tensor, toResolution index: Int) -> Tensor { resizer.resizing(images, toResolution: index) }
}
