import DynamicResolution

/// The parameters of a way to route images, such as λ, in an order in which the mean cost does not rise.
struct CostSweep {
    /// From the most expensive to the cheapest.
    let parameters: [Double]
    /// The mean cost at a parameter.
    let cost: (Double) -> Double

    /// The most expensive parameter that costs no more than `limit`; nil where none does.
    func parameter(within limit: Double) -> Double? {
        // Sums of the same numbers in another order.
        let limit = limit * (1 + 1e-12)
        guard let last = parameters.last, cost(last) <= limit else { return nil }
        var (low, high) = (0, parameters.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cost(parameters[middle]) <= limit { high = middle } else { low = middle + 1 }
        }
        return parameters[high]
    }

    /// Parameters whose costs are spread evenly between the ends, with both; fewer than `count` where costs have gaps.
    func thinned(to count: Int) -> [Double] {
        guard let first = parameters.first, let last = parameters.last else { return [] }
        let (most, least) = (cost(first), cost(last))
        var result: [Double] = []
        for step in 0..<count {
            let limit = most + (least - most) * Double(step) / Double(count - 1)
            if let next = parameter(within: limit), next != result.last { result.append(next) }
        }
        return result
    }
}

/// What cost weights λ make of the predictor's probabilities of some images.
struct CostWeights {
    private let logProbabilities: [Double]
    private let relativeCosts: [Double]

    init(_ results: [ImageResult], _ flops: FLOPsModel) {
        logProbabilities = results.flatMap(\.logProbabilities)
        relativeCosts = flops.relativeCosts
    }

    /// The choice of each image: argmax_j (log π_j − λ C_j), C in units of the largest resolution's.
    func choices(_ costWeight: Double) -> [Int] {
        Router.choices(logProbabilities: logProbabilities, costs: relativeCosts, costWeight: costWeight)
    }

    /// The share of the images at each resolution.
    func shares(_ costWeight: Double) -> [Double] {
        relativeCosts.indices.shares(of: choices(costWeight))
    }

    /// All routings that there are. An image changes its choice only where two of its resolutions are equal,
    /// λ = (log π_j − log π_k) / (C_j − C_k); hence one λ between any two such values, one before and one behind them, and 0 in its place.
    ///
    /// - Parameter costs: what images cost, no less at a resolution of more multiply-adds.
    func sweep(_ costs: ImageCosts) -> CostSweep {
        let edges = [-Double.infinity] + breakpoints() + [.infinity]
        var weights = zip(edges, edges.dropFirst()).map { low, high in
            if low < 0 && high > 0 { return 0.0 }
            return low == -.infinity ? high - 1 : high == .infinity ? low + 1 : (low + high) / 2
        }
        // At λ = 0 itself an image may be undecided.
        if !weights.contains(0) { weights.insert(0, at: weights.firstIndex { $0 > 0 } ?? weights.endIndex) }
        return CostSweep(parameters: weights) { costs.mean(shares: shares($0)) }
    }

    /// Ascending, each once.
    private func breakpoints() -> [Double] {
        let columns = relativeCosts.count
        var result: Set<Double> = []
        for start in stride(from: 0, to: logProbabilities.count, by: columns) {
            for first in 0..<columns {
                for second in first + 1..<columns where relativeCosts[first] != relativeCosts[second] {
                    let difference = logProbabilities[start + first] - logProbabilities[start + second]
                    result.insert(difference / (relativeCosts[first] - relativeCosts[second]))
                }
            }
        }
        return result.filter(\.isFinite).sorted()
    }
}

extension Range<Int> {
    /// How often each of these numbers is among the choices, as a share of them.
    func shares(of choices: [Int]) -> [Double] {
        var counts = [Int](repeating: 0, count: count)
        for choice in choices { counts[choice] += 1 }
        return counts.map { Double($0) / Double(Swift.max(choices.count, 1)) }
    }
}
