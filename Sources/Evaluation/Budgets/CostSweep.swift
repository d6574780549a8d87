import DynamicResolution

/// The parameters of a way to route images, such as λ, in an order in which the mean cost does not increase.
struct CostSweep {
    /// From the most expensive to the cheapest.
    let parameters: [Double]
    /// The mean cost at a parameter.
    let cost: (Double) -> Double

    /// The most expensive parameter whose cost is not above `limit`; nil if there is none.
    func parameter(within limit: Double) -> Double? {
        // The limit and the cost can be sums of the same numbers in a different order.
        let limit = limit * (1 + 1e-12)
        guard let last = parameters.last, cost(last) <= limit else { return nil }
        var (low, high) = (0, parameters.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cost(parameters[middle]) <= limit { high = middle } else { low = middle + 1 }
        }
        return parameters[high]
    }

    /// Parameters whose costs are evenly spaced, both ends included. The result has less than `count` parameters if the costs have gaps.
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

/// The choices that follow from the decider's scores and a cost weight λ.
struct CostWeights {
    private let scores: [Double]
    private let relativeCosts: [Double]

    /// - Parameter costs: the costs that decisions weigh.
    init(_ results: [ImageResult], _ costs: ImageCosts) {
        scores = results.flatMap(\.scores)
        relativeCosts = costs.relativeChoices
    }

    /// The choice of each image: argmax_j (score_j − λ C_j), C in units of the largest resolution's.
    func choices(_ costWeight: Double) -> [Int] {
        Router.choices(scores: scores, costs: relativeCosts, costWeight: costWeight)
    }

    /// The share of the images at each resolution.
    func shares(_ costWeight: Double) -> [Double] {
        relativeCosts.indices.shares(of: choices(costWeight))
    }

    /// One λ for every possible routing. An image changes its choice only at a breakpoint, where two of its resolutions have equal scores:
    /// λ = (score_j − score_k) / (C_j − C_k). The sweep has one λ between each two neighbouring breakpoints, one before the first, one
    /// after the last, and 0.
    ///
    /// - Parameter costs: of an image, in any unit. A choice that weighs more must not cost less.
    func sweep(_ costs: ImageCosts) -> CostSweep {
        let edges = [-Double.infinity] + breakpoints() + [.infinity]
        var weights = zip(edges, edges.dropFirst()).map { low, high in
            if low < 0 && high > 0 { return 0.0 }
            return low == -.infinity ? high - 1 : high == .infinity ? low + 1 : (low + high) / 2
        }
        // 0 itself can be a breakpoint.
        if !weights.contains(0) { weights.insert(0, at: weights.firstIndex { $0 > 0 } ?? weights.endIndex) }
        return CostSweep(parameters: weights) { costs.mean(shares: shares($0)) }
    }

    /// All breakpoints, ascending and distinct.
    private func breakpoints() -> [Double] {
        let columns = relativeCosts.count
        var result: Set<Double> = []
        for start in stride(from: 0, to: scores.count, by: columns) {
            for first in 0..<columns {
                for second in first + 1..<columns where relativeCosts[first] != relativeCosts[second] {
                    let difference = scores[start + first] - scores[start + second]
                    result.insert(difference / (relativeCosts[first] - relativeCosts[second]))
                }
            }
        }
        return result.filter(\.isFinite).sorted()
    }
}

extension Range<Int> {
    /// The share of the choices that equal each number of the range.
    func shares(of choices: [Int]) -> [Double] {
        var counts = [Int](repeating: 0, count: count)
        for choice in choices { counts[choice] += 1 }
        return counts.map { Double($0) / Double(Swift.max(choices.count, 1)) }
    }
}
