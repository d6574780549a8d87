/// The regulariser on the average cost: η · max(0, (F̄ − α) / (C_max − C_min)), with F̄ the mean over the global batch.
public struct FLOPsRegularizer: Sendable {
    /// η.
    public var weight: Double
    /// α, in multiply-adds of the classifier.
    public var target: Double
    private let costs: [Double]
    private let range: Double

    public init(weight: Double, target: Double, costs: [Double]) {
        self.weight = weight
        self.target = target
        self.costs = costs
        // With one candidate there is nothing to choose, and nothing to divide by.
        range = max((costs.max() ?? 0) - (costs.min() ?? 0), 1)
    }

    /// The regulariser's value without η.
    public func value(mean: Double) -> Double {
        max(0, (mean - target) / range)
    }

    /// The gradient, with η, of Σ_j w_ij C_j's weights w_ij for one image of `globalCount`: equal for all images, 0 where the
    /// hinge is inactive. The hinge acts on the global mean.
    public func weightGradient(mean: Double, globalCount: Int) -> [Float] {
        guard mean > target else { return costs.map { _ in 0 } }
        return costs.map { Float(weight * $0 / (range * Double(globalCount))) }
    }
}
