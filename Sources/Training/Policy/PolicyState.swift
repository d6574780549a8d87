import DynamicResolution

/// What a run knows about its policy besides the weights: a checkpoint keeps it. Equal on all ranks, since it follows from sums over them.
struct PolicyState: Codable, Equatable, Sendable {
    /// Steps that the running means run over. Until there are as many, they are plain means.
    static let window = 20

    private(set) var steps = 0
    /// Running mean of F̄, in multiply-adds.
    private(set) var cost = 0.0
    /// Running mean of H(π), in nats.
    private(set) var entropy = 0.0
    /// Running means of the shares of the images that were routed to each resolution.
    private(set) var shares: [Double] = []
    /// Of the penalty `lagrangian`, once it has moved.
    private(set) var multiplier: Double?
    /// Collapses that have been told, and last.
    var openCollapses: [Collapse] = []

    /// Takes in a step, summed over the ranks.
    mutating func add(_ report: StepReport) {
        steps += 1
        let weight = 1 / Double(min(steps, Self.window))
        func blend(_ mean: inout Double, _ value: Double) { mean += weight * (value - mean) }
        blend(&cost, report.meanCost)
        blend(&entropy, report.meanEntropy)
        if shares.isEmpty { shares = report.shares.map { _ in 0 } }
        for (index, share) in report.shares.enumerated() { blend(&shares[index], share) }
    }

    /// A step of dual ascent on the multiplier of F̄ ≤ α: it rises while the running mean exceeds the target, falls while it is below, and does
    /// not become negative.
    ///
    /// - Parameter start: where the multiplier begins.
    mutating func ascend(_ regularizer: FLOPsRegularizer, start: Double, rate: Double) {
        multiplier = max(0, (multiplier ?? start) + rate * regularizer.excess(mean: cost))
    }
}
