/// The penalty on a mean cost that differs from the target.
public enum FLOPsPenalty: String, CaseIterable, Sendable {
    /// The published penalty: only a mean cost above the target.
    case hinge
    /// A mean cost below the target is penalised like one above it.
    case twoSided = "two-sided"
    /// The constraint F̄ ≤ α with a multiplier in place of η. The trainer raises and lowers it (dual ascent).
    case lagrangian
}

/// The regulariser on the average cost: η · penalty((F̄ − α) / (C_max − C_min)), with F̄ the mean over the global batch; published with the
/// hinge max(0, x).
public struct FLOPsRegularizer: Sendable {
    public var penalty: FLOPsPenalty
    /// η, or the multiplier of `lagrangian`.
    public var weight: Double
    /// α, a mean cost of the classifier in the unit of the costs.
    public var target: Double
    private let costs: [Double]
    private let range: Double

    public init(_ penalty: FLOPsPenalty = .hinge, weight: Double, target: Double, costs: [Double]) {
        self.penalty = penalty
        self.weight = weight
        self.target = target
        self.costs = costs
        // With one candidate there is nothing to choose, and nothing to divide by. Milliseconds can differ by less than 1.
        let difference = (costs.max() ?? 0) - (costs.min() ?? 0)
        range = difference > 0 ? difference : 1
    }

    /// (F̄ − α) / (C_max − C_min): above 0 where the mean cost exceeds the target.
    public func excess(mean: Double) -> Double { (mean - target) / range }

    /// The regulariser's value without η.
    public func value(mean: Double) -> Double {
        switch penalty {
        case .hinge: return max(0, excess(mean: mean))
        case .twoSided: return abs(excess(mean: mean))
        case .lagrangian: return excess(mean: mean)
        }
    }

    /// The gradient, with η, of Σ_j w_ij C_j's weights w_ij for one image of `globalCount`: equal for all images, as the penalty acts on
    /// the global mean.
    public func weightGradient(mean: Double, globalCount: Int) -> [Float] {
        costs.map { Float(weight * slope(mean: mean) * $0 / (range * Double(globalCount))) }
    }

    /// η C_j / (C_max − C_min): the price of each resolution, in units of the loss.
    public var penalties: [Float] { costs.map { Float(weight * $0 / range) } }

    /// The derivative of the value with respect to the excess; 0 at a kink.
    private func slope(mean: Double) -> Double {
        switch penalty {
        case .hinge: return mean > target ? 1 : 0
        case .twoSided: return mean > target ? 1 : mean < target ? -1 : 0
        case .lagrangian: return 1
        }
    }
}
