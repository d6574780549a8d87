import DynamicResolution

/// The result of an evaluation: the dynamic network and, for comparison, other ways to use the same weights. It is computed from the
/// results of the single images.
public struct Evaluation: Codable, Equatable, Sendable {
    public var images: Int
    public var classes: Int
    public var resolutions: [Int]
    public var rows: [EvaluationRow]
    /// The dynamic network on each kind of image; nil if the kinds are not known.
    public var difficulties: [DifficultyTable.Row]?
    /// The decider, and a cascade by a threshold, at several costs; nil if they were not computed.
    public var points: [OperatingPoint]?

    /// Images per second, over all ranks; nil for a way that did not run.
    public struct Speed: Equatable, Sendable {
        public var dynamic: Double?
        public var fixedLargest: Double?

        public init(dynamic: Double?, fixedLargest: Double?) {
            self.dynamic = dynamic
            self.fixedLargest = fixedLargest
        }
    }

    /// - Parameters:
    ///   - results: of all images. Without results at fixed resolutions, the table has the dynamic row only.
    ///   - milliseconds: of an image; fills the rows' milliseconds.
    ///   - matched: costs of an image, in any unit. Adds the row `randomSameCost`, which has the dynamic network's mean cost in this unit.
    public init(
        results: [ImageResult], flops: FLOPsModel, classCount: Int, speed: Speed, hasDecider: Bool, milliseconds: ImageCosts? = nil,
        matched: ImageCosts? = nil
    ) {
        images = results.count
        classes = classCount
        resolutions = flops.resolutions
        let builder = RowBuilder(results: results, flops: flops, milliseconds: milliseconds)
        let dynamic = hasDecider ? builder.dynamic(speed: speed.dynamic) : nil
        rows = dynamic.map { [$0] } ?? []
        guard results.allSatisfy({ !$0.fixedLabelRanks.isEmpty }) else { return }
        let fixed = flops.resolutions.indices.map { builder.fixed($0, speed: $0 == 0 ? speed.fixedLargest : nil) }
        rows += fixed
        if let dynamic {
            rows.append(builder.random(.randomSameShares, shares: dynamic.shares, fixed))
            if let matched {
                let shares = matched.neighbouringShares(cost: matched.mean(shares: dynamic.shares))
                rows.append(builder.random(.randomSameCost, shares: shares, fixed))
            }
        }
        rows.append(builder.oracle())
    }

    /// The row of a way; nil if the table has none.
    public func row(_ way: Way) -> EvaluationRow? { rows.first { $0.way == way } }

    public var dynamic: EvaluationRow? { row(.dynamic) }
    public func fixed(_ resolution: Int) -> EvaluationRow? { row(.fixed(resolution: resolution)) }

    /// Computes `points` at the usual limits.
    ///
    /// - Parameters:
    ///   - results: of every image at every resolution, with the decider's scores.
    ///   - weighed: the costs that decisions weigh. The limits are shares of these.
    public mutating func addPoints(_ results: [ImageResult], decider: Decider?, weighed: ImageCosts) {
        let (points, limits) = (OperatingPoints(results, weighed), OperatingPoint.limits)
        let own =
            decider == .cascade(.threshold) ? points.thresholdCascade(limits, as: .dynamic) : points.dynamic(limits, weighed: weighed)
        self.points = own + points.thresholdCascade(limits)
    }
}
