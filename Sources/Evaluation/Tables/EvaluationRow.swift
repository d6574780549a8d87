/// One row of the evaluation's table: one way to use the weights.
public struct EvaluationRow: Codable, Equatable, Sendable {
    public var way: Way
    /// Shares of the images, 0 … 1.
    public var top1: Double
    public var top5: Double
    /// Mean multiply-adds of an image in units of 10⁹: of the classifier, and with the predictor if the way uses it.
    public var classifierGFLOPs: Double
    public var totalGFLOPs: Double
    /// `classifierGFLOPs` and `totalGFLOPs` divided by the classifier's cost at the largest resolution.
    public var classifierShare: Double
    public var totalShare: Double
    /// Share of the images at each resolution, largest first.
    public var shares: [Double]
    /// Over all ranks, without loading and decoding; nil if it was not measured.
    public var imagesPerSecond: Double?
    /// Mean of an image on one rank, with the predictor if the way uses it. It follows from the times of each resolution. Nil without a
    /// budget or a curve.
    public var milliseconds: Double?

    private enum CodingKeys: String, CodingKey {
        case way = "name"
        case top1, top5, classifierGFLOPs, totalGFLOPs, classifierShare, totalShare, shares, imagesPerSecond, milliseconds
    }
}
