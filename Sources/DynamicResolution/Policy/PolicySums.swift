/// Sums over the images of the global batch that a step needs before its first gradient. Until they are reduced, they are those of this
/// rank.
struct PolicySums: Equatable {
    /// Σ_i Σ_j w_ij C_j.
    private(set) var cost = 0.0
    /// Σ_i H(π_i), in nats.
    private(set) var entropy = 0.0
    /// Σ_i π_ij of each resolution.
    private(set) var policy: [Double]
    /// Images at each resolution, of each micro-batch: those that chose it, and those that probe it.
    private(set) var chosen: [[Double]] = []
    private(set) var probed: [[Double]] = []
    private let costs: [Double]

    init(costs: [Double]) {
        self.costs = costs
        policy = costs.map { _ in 0 }
    }

    /// Adds a micro-batch.
    mutating func append(_ decision: PolicyDecision) {
        cost += decision.cost(costs)
        entropy += decision.entropy(columns: costs.count)
        for (index, probability) in decision.policy.enumerated() { policy[index % costs.count] += Double(probability) }
        chosen.append(counts(decision.choices))
        probed.append(counts(decision.probes))
    }

    private func counts(_ indices: [Int]) -> [Double] {
        Router.subBatches(choices: indices, resolutionCount: costs.count).map { Double($0.count) }
    }

    /// Means over the images of the global batch, once reduced.
    func mean(_ globalCount: Int) -> (cost: Double, entropy: Double, policy: [Double]) {
        let count = Double(globalCount)
        return (cost / count, entropy / count, policy.map { $0 / count })
    }

    /// All sums as one vector, to be reduced over the ranks.
    var vector: [Double] {
        get { [cost, entropy] + policy + chosen.joined() + probed.joined() }
        set {
            var rest = newValue[...]
            func take(_ count: Int) -> [Double] {
                defer { rest = rest.dropFirst(count) }
                return Array(rest.prefix(count))
            }
            (cost, entropy) = (take(1)[0], take(1)[0])
            policy = take(policy.count)
            chosen = chosen.map { take($0.count) }
            probed = probed.map { take($0.count) }
        }
    }
}

extension PolicyDecision {
    /// Σ_i Σ_j w_ij C_j over these images.
    func cost(_ costs: [Double]) -> Double {
        costWeights.enumerated().reduce(0) { $0 + Double($1.element) * costs[$1.offset % costs.count] }
    }

    /// Σ_i H(π_i) over these images, in nats.
    func entropy(columns: Int) -> Double {
        stride(from: 0, to: policy.count, by: columns).reduce(0) {
            $0 + PolicyTerms.entropy(policy[$1..<$1 + columns].map(Double.init))
        }
    }
}
