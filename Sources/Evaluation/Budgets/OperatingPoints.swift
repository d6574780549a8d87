import DynamicResolution

/// The accuracy of a way to choose resolutions at a given mean cost, beside the rules of equal cost that do not look at the image.
public struct OperatingPoint: Codable, Equatable, Sendable {
    /// `dynamic` or `thresholdCascade`.
    public var way: Way
    /// The allowed mean cost, in units of the classifier's cost at the largest resolution.
    public var limit: Double
    /// The calibrated λ. Calibration uses the costs of these images, and no label.
    public var costWeight: Double
    /// The mean cost at λ, in the same units as the limit; at most the limit.
    public var share: Double
    /// Share of the images, 0 … 1.
    public var top1: Double
    /// `top1` minus the expected accuracy of a random mix of two neighbouring resolutions with the same mean cost.
    public var gainOverRandomCost: Double
    /// The standard error of that difference, paired over the images.
    public var standardError: Double
    /// `top1` minus the accuracy of the most accurate fixed resolution that costs no more than the limit.
    public var gainOverBestFixed: Double
    /// `top1` minus the accuracy of the largest resolution.
    public var gainOverLargest: Double

    /// The limits that every final evaluation reports.
    public static let limits = [0.5, 0.65, 0.8]
}

/// Calibrates λ to limits of the mean cost, and compares.
struct OperatingPoints {
    private let results: [ImageResult]
    private let costs: ImageCosts

    /// - Parameters:
    ///   - results: of every image at every resolution.
    ///   - costs: of an image, in the unit of the limits. For `dynamic`, with its decider.
    init(_ results: [ImageResult], _ costs: ImageCosts) {
        self.results = results
        self.costs = costs
    }

    /// The trained decider. The results need its scores.
    ///
    /// - Parameter weighed: the costs that its decisions weigh.
    func dynamic(_ limits: [Double], weighed: ImageCosts) -> [OperatingPoint] {
        points(.dynamic, limits, CostWeights(results, weighed), costs)
    }

    /// The cascade by a threshold on the same weights.
    ///
    /// - Parameter way: `dynamic` if the threshold is the run's decider.
    func thresholdCascade(_ limits: [Double], as way: Way = .thresholdCascade) -> [OperatingPoint] {
        let costs = costs.deciding(isCascade: true, predictor: 0)
        return points(way, limits, CostWeights(results.map(\.withThresholdScores), costs), costs)
    }

    /// Leaves out limits that no choice meets.
    private func points(_ way: Way, _ limits: [Double], _ weights: CostWeights, _ costs: ImageCosts) -> [OperatingPoint] {
        let sweep = weights.sweep(costs)
        return limits.compactMap { limit in
            sweep.parameter(within: limit * costs.largest).map { point(way, limit, $0, weights.choices($0), costs) }
        }
    }

    private func point(_ way: Way, _ limit: Double, _ costWeight: Double, _ choices: [Int], _ costs: ImageCosts) -> OperatingPoint {
        let columns = costs.classifier.indices
        let cost = costs.mean(shares: columns.shares(of: choices))
        let mixed = costs.neighbouringShares(cost: cost)
        let differences = zip(results, choices).map { result, choice in
            result.isCorrect(choice) - columns.reduce(0) { $0 + mixed[$1] * result.isCorrect($1) }
        }
        func fixed(_ column: Int) -> Double { results.map { $0.isCorrect(column) }.mean ?? 0 }
        let top1 = zip(results, choices).map { $0.isCorrect($1) }.mean ?? 0
        let affordable = columns.filter { costs.classifier[$0] <= limit * costs.largest * (1 + 1e-12) }
        return OperatingPoint(
            way: way, limit: limit, costWeight: costWeight, share: cost / costs.largest, top1: top1,
            gainOverRandomCost: differences.mean ?? 0,
            standardError: (differences.standardDeviation ?? 0) / Double(max(results.count, 1)).squareRoot(),
            gainOverBestFixed: top1 - (affordable.map(fixed).max() ?? 0), gainOverLargest: top1 - fixed(0))
    }
}

extension ImageResult {
    /// 1 if the answer at a resolution is right, otherwise 0.
    func isCorrect(_ column: Int) -> Double { fixedLabelRanks[column] == 0 ? 1 : 0 }

    /// 1 minus the largest probability at the smallest resolution.
    private var doubt: Double { smallestDoubt ?? 1 - Double(topProbabilities.last ?? 1) }

    /// The result with the scores of a cascade by a threshold.
    var withThresholdScores: ImageResult {
        var copy = self
        copy.scores = CascadeEvidence.thresholdScores([doubt], resolutions: fixedLabelRanks.count)
        return copy
    }
}
