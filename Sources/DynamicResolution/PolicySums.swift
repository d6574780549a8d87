/// What has to be known of the whole global batch before its first gradient, as sums over images: of this rank until they are reduced.
struct PolicySums: Equatable {
    /// Σ_i Σ_j w_ij C_j.
    var cost = 0.0
    /// Images at each resolution, of each micro-batch in turn: those that chose it, and those that probe it.
    private(set) var chosen: [[Double]] = []
    private(set) var probed: [[Double]] = []
    private let costs: [Double]

    init(costs: [Double]) {
        self.costs = costs
    }

    /// Adds a micro-batch.
    mutating func append(_ decision: PolicyDecision) {
        cost += decision.cost(costs)
        chosen.append(counts(decision.choices))
        probed.append(counts(decision.probes))
    }

    private func counts(_ indices: [Int]) -> [Double] {
        Router.subBatches(choices: indices, resolutionCount: costs.count).map { Double($0.count) }
    }

    /// All of it, to be summed over the ranks.
    var vector: [Double] {
        get { [cost] + chosen.joined() + probed.joined() }
        set {
            var rest = newValue[...]
            func take(_ count: Int) -> [Double] {
                defer { rest = rest.dropFirst(count) }
                return Array(rest.prefix(count))
            }
            cost = take(1)[0]
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
}
