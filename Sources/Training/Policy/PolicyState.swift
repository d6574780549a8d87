import DynamicResolution

/// Running means and the multiplier of the policy. A checkpoint contains it. It is equal on all ranks, because it is computed from sums
/// over the ranks.
struct PolicyState: Codable, Equatable, Sendable {
    /// The running means are plain means over the first `window` steps, and exponential means with the weight 1 / `window` later.
    static let window = 20

    private(set) var steps = 0
    /// Running mean of F̄, in the unit that decisions weigh.
    private(set) var cost = 0.0
    /// Running mean of H(π), in nats.
    private(set) var entropy = 0.0
    /// Running means of the share of the images at each resolution, largest first.
    private(set) var shares: [Double] = []
    /// The multiplier of the penalty `lagrangian`; nil before its first update.
    private(set) var multiplier: Double?
    /// Collapses that have been reported and have not ended.
    var openCollapses: [Collapse] = []

    /// Adds a step.
    ///
    /// - Parameter report: summed over the ranks.
    mutating func add(_ report: StepReport) {
        steps += 1
        let weight = 1 / Double(min(steps, Self.window))
        func blend(_ mean: inout Double, _ value: Double) { mean += weight * (value - mean) }
        blend(&cost, report.meanCost)
        blend(&entropy, report.meanEntropy)
        if shares.isEmpty { shares = report.shares.map { _ in 0 } }
        for (index, share) in report.shares.enumerated() { blend(&shares[index], share) }
    }

    /// A step of dual ascent on the multiplier of F̄ ≤ α. The multiplier increases while the running mean exceeds the target, decreases
    /// while it is below, and is never negative.
    ///
    /// - Parameter start: the multiplier before the first update.
    mutating func ascend(_ regularizer: FLOPsRegularizer, start: Double, rate: Double) {
        multiplier = max(0, (multiplier ?? start) + rate * regularizer.excess(mean: cost))
    }
}
