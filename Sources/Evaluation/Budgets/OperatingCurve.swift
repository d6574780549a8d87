import DynamicResolution

/// Accuracy and cost of all ways to use the same weights. It is computed from the results of every image at every resolution.
public struct OperatingCurve: Codable, Equatable, Sendable {
    /// One way to use the weights, at all its settings: `dynamic` from a small cost weight λ to a large one, `fixedResolutions`,
    /// `randomMix`, `cascade` or `oracle`.
    public struct Series: Codable, Equatable, Sendable {
        public var way: Way
        public var points: [Point]
    }

    public struct Point: Codable, Equatable, Sendable {
        /// λ of `dynamic`, in nats for the cost of the largest resolution; the threshold of `cascade`; the resolution of
        /// `fixedResolutions`; nil for the other ways.
        public var parameter: Double?
        /// Share of the images, 0 … 1.
        public var top1: Double
        /// Means of an image.
        public var gigaFLOPs: Double
        public var milliseconds: Double
        /// Share of the images whose answer comes from each resolution, largest first.
        public var shares: [Double]
    }

    public let images: Int
    public let resolutions: [Int]
    /// Images of a batch, and threads that computed it, when the milliseconds were measured.
    public let batchSize: Int
    public let threads: Int
    /// Of an image, in 10⁹ multiply-adds and in milliseconds.
    public let gigaFLOPs: ImageCosts
    public let milliseconds: ImageCosts
    public let series: [Series]

    /// The largest number of points of `dynamic` and of `cascade`.
    private static let pointCount = 50

    /// - Parameters:
    ///   - results: of every image at every resolution, with the decider's scores.
    ///   - weighed: the costs that decisions weigh.
    ///   - batchSize: images of a batch when the milliseconds were measured.
    ///   - threads: that computed it.
    public init(
        results: [ImageResult], flops: FLOPsModel, weighed: ImageCosts, milliseconds: ImageCosts, batchSize: Int, threads: Int
    ) {
        let builder = CurveBuilder(results: results, gigaFLOPs: .gigaFLOPs(flops), milliseconds: milliseconds)
        images = results.count
        resolutions = flops.resolutions
        self.batchSize = batchSize
        self.threads = threads
        gigaFLOPs = builder.gigaFLOPs
        self.milliseconds = milliseconds
        series = [
            Series(way: .dynamic, points: builder.dynamic(CostWeights(results, weighed), count: Self.pointCount)),
            Series(way: .fixedResolutions, points: builder.fixed(flops.resolutions)),
            Series(way: .randomMix, points: builder.randomMix()),
            Series(way: .cascade, points: builder.cascade(ConfidenceCascade(results), count: Self.pointCount)),
            Series(way: .oracle, points: [builder.oracle()]),
        ]
    }

    /// The points of one way; empty if the curve has no such series.
    public func points(_ way: Way) -> [Point] { series.first { $0.way == way }?.points ?? [] }
}

/// Routes by the classifier's own confidence: from the smallest resolution to larger ones, until the top probability reaches a threshold.
struct ConfidenceCascade {
    private let topProbabilities: [[Float]]

    init(_ results: [ImageResult]) {
        topProbabilities = results.map(\.topProbabilities)
    }

    /// The resolution that answers each image. The largest one answers if no smaller one reaches the threshold.
    func choices(threshold: Double) -> [Int] {
        topProbabilities.map { probabilities in
            probabilities.indices.dropFirst().last { Double(probabilities[$0]) >= threshold } ?? 0
        }
    }

    /// Thresholds that give all possible cascades: every top probability below the largest resolution, and one threshold above all of them.
    func sweep(_ costs: ImageCosts) -> CostSweep {
        let columns = 0..<costs.classifier.count
        let values = Set(topProbabilities.flatMap { $0.dropFirst() }.map(Double.init)).sorted(by: >)
        return CostSweep(parameters: [(values.first ?? 0).nextUp] + values) { threshold in
            costs.mean(cascadedShares: columns.shares(of: choices(threshold: threshold)))
        }
    }
}

private struct CurveBuilder {
    let results: [ImageResult]
    let gigaFLOPs: ImageCosts
    let milliseconds: ImageCosts

    private var columns: Range<Int> { gigaFLOPs.classifier.indices }

    /// λ = 0 is always among the points.
    func dynamic(_ weights: CostWeights, count: Int) -> [OperatingCurve.Point] {
        Set(weights.sweep(gigaFLOPs).thinned(to: count) + [0]).sorted().map { point($0, weights.choices($0)) { $0.mean(shares: $1) } }
    }

    func cascade(_ cascade: ConfidenceCascade, count: Int) -> [OperatingCurve.Point] {
        cascade.sweep(gigaFLOPs).thinned(to: count).map { threshold in
            point(threshold, cascade.choices(threshold: threshold)) { $0.mean(cascadedShares: $1) }
        }
    }

    func fixed(_ resolutions: [Int]) -> [OperatingCurve.Point] {
        columns.map { fixed($0, parameter: Double(resolutions[$0])) }
    }

    func oracle() -> OperatingCurve.Point {
        point(nil, results.map(\.oracleChoice)) { $0.meanOfFixed(shares: $1) }
    }

    /// From each resolution to the next in steps of a quarter of the images.
    func randomMix() -> [OperatingCurve.Point] {
        let fixed = columns.map { self.fixed($0, parameter: nil) }
        return zip(fixed, fixed.dropFirst()).flatMap { larger, smaller in
            (0..<4).map { step in mix(larger, smaller, Double(step) / 4) }
        } + fixed.suffix(1)
    }

    private func fixed(_ column: Int, parameter: Double?) -> OperatingCurve.Point {
        point(parameter, results.map { _ in column }) { $0.meanOfFixed(shares: $1) }
    }

    private func mix(_ first: OperatingCurve.Point, _ second: OperatingCurve.Point, _ share: Double) -> OperatingCurve.Point {
        func mix(_ value: KeyPath<OperatingCurve.Point, Double>) -> Double {
            (1 - share) * first[keyPath: value] + share * second[keyPath: value]
        }
        return OperatingCurve.Point(
            parameter: nil, top1: mix(\.top1), gigaFLOPs: mix(\.gigaFLOPs), milliseconds: mix(\.milliseconds),
            shares: zip(first.shares, second.shares).map { (1 - share) * $0 + share * $1 })
    }

    /// - Parameter mean: the mean cost of images that use the resolutions with some shares.
    private func point(
        _ parameter: Double?, _ choices: [Int], mean: (ImageCosts, [Double]) -> Double
    ) -> OperatingCurve.Point {
        let shares = columns.shares(of: choices)
        let right = zip(results, choices).filter { $0.fixedLabelRanks[$1] == 0 }.count
        return OperatingCurve.Point(
            parameter: parameter, top1: Double(right) / Double(max(results.count, 1)), gigaFLOPs: mean(gigaFLOPs, shares),
            milliseconds: mean(milliseconds, shares), shares: shares)
    }
}
