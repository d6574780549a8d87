import DynamicResolution

/// What accuracy costs, for all ways to use the same weights: computed from every image's results at every resolution.
public struct OperatingCurve: Codable, Equatable, Sendable {
    /// One way to use the weights, at all its settings.
    public struct Series: Codable, Equatable, Sendable {
        public enum Way: String, Codable, Sendable {
            /// The predictor's choices at a cost weight λ, from a small λ to a large one. Costs include the predictor.
            case dynamic
            /// Every image at one resolution, largest first.
            case fixed
            /// Images at random at one of two neighbouring resolutions: the expectation.
            case randomMix
            /// The smallest resolution first, and the next larger one while the top probability is below a threshold. An image costs what
            /// all resolutions cost that it went through.
            case cascade
            /// The smallest resolution that is right: what no way of routing to one resolution can do better.
            case oracle
        }

        public var way: Way
        public var points: [Point]
    }

    public struct Point: Codable, Equatable, Sendable {
        /// λ of `dynamic`, in nats for the cost of the largest resolution; the threshold of `cascade`; the resolution of `fixed`.
        public var parameter: Double?
        /// Share of the images, 0 … 1.
        public var top1: Double
        /// Means of an image.
        public var gigaFLOPs: Double
        public var milliseconds: Double
        /// Share of the images that is answered at each resolution, largest first.
        public var shares: [Double]
    }

    public let images: Int
    public let resolutions: [Int]
    /// Images of a batch, and threads that compute it, where the milliseconds were measured.
    public let batchSize: Int
    public let threads: Int
    /// Of an image, in 10⁹ multiply-adds and in milliseconds.
    public let gigaFLOPs: ImageCosts
    public let milliseconds: ImageCosts
    public let series: [Series]

    /// Settings of `dynamic` and of `cascade`.
    private static let pointCount = 50

    /// - Parameter results: of every image at every resolution, with the predictor's probabilities.
    public init(results: [ImageResult], flops: FLOPsModel, milliseconds: ImageCosts, batchSize: Int, threads: Int) {
        let builder = CurveBuilder(results: results, gigaFLOPs: .gigaFLOPs(flops), milliseconds: milliseconds)
        images = results.count
        resolutions = flops.resolutions
        self.batchSize = batchSize
        self.threads = threads
        gigaFLOPs = builder.gigaFLOPs
        self.milliseconds = milliseconds
        series = [
            Series(way: .dynamic, points: builder.dynamic(CostWeights(results, flops), count: Self.pointCount)),
            Series(way: .fixed, points: builder.fixed(flops.resolutions)),
            Series(way: .randomMix, points: builder.randomMix()),
            Series(way: .cascade, points: builder.cascade(ConfidenceCascade(results), count: Self.pointCount)),
            Series(way: .oracle, points: [builder.oracle()]),
        ]
    }

    /// The points of one way.
    public func points(_ way: Series.Way) -> [Point] { series.first { $0.way == way }?.points ?? [] }
}

/// Goes up from the smallest resolution while the classifier is unsure.
struct ConfidenceCascade {
    private let topProbabilities: [[Float]]

    init(_ results: [ImageResult]) {
        topProbabilities = results.map(\.topProbabilities)
    }

    /// The resolution whose answer each image gets; the largest gives one in any case.
    func choices(threshold: Double) -> [Int] {
        topProbabilities.map { probabilities in
            probabilities.indices.dropFirst().last { Double(probabilities[$0]) >= threshold } ?? 0
        }
    }

    /// Thresholds that give all cascades there are: every probability that some image could go on from, and one above them.
    func sweep(_ costs: ImageCosts) -> CostSweep {
        let columns = 0..<costs.classifier.count
        let values = Set(topProbabilities.flatMap { $0.dropFirst() }.map(Double.init)).sorted(by: >)
        return CostSweep(parameters: [(values.first ?? 0).nextUp] + values) { threshold in
            costs.cascaded.mean(shares: columns.shares(of: choices(threshold: threshold)))
        }
    }
}

private struct CurveBuilder {
    let results: [ImageResult]
    let gigaFLOPs: ImageCosts
    let milliseconds: ImageCosts

    private var columns: Range<Int> { gigaFLOPs.classifier.indices }

    /// With λ = 0 among them.
    func dynamic(_ weights: CostWeights, count: Int) -> [OperatingCurve.Point] {
        Set(weights.sweep(gigaFLOPs).thinned(to: count) + [0]).sorted().map { point($0, weights.choices($0), gigaFLOPs, milliseconds) }
    }

    func cascade(_ cascade: ConfidenceCascade, count: Int) -> [OperatingCurve.Point] {
        cascade.sweep(gigaFLOPs).thinned(to: count).map { threshold in
            point(threshold, cascade.choices(threshold: threshold), gigaFLOPs.cascaded, milliseconds.cascaded)
        }
    }

    func fixed(_ resolutions: [Int]) -> [OperatingCurve.Point] {
        columns.map { fixed($0, parameter: Double(resolutions[$0])) }
    }

    func oracle() -> OperatingCurve.Point {
        point(nil, results.map(\.oracleChoice), gigaFLOPs.withoutPredictor, milliseconds.withoutPredictor)
    }

    /// In steps of a quarter of the images.
    func randomMix() -> [OperatingCurve.Point] {
        let fixed = columns.map { self.fixed($0, parameter: nil) }
        return zip(fixed, fixed.dropFirst()).flatMap { larger, smaller in
            (0..<4).map { step in mix(larger, smaller, Double(step) / 4) }
        } + fixed.suffix(1)
    }

    private func fixed(_ column: Int, parameter: Double?) -> OperatingCurve.Point {
        point(parameter, results.map { _ in column }, gigaFLOPs.withoutPredictor, milliseconds.withoutPredictor)
    }

    private func mix(_ first: OperatingCurve.Point, _ second: OperatingCurve.Point, _ share: Double) -> OperatingCurve.Point {
        func mix(_ value: KeyPath<OperatingCurve.Point, Double>) -> Double {
            (1 - share) * first[keyPath: value] + share * second[keyPath: value]
        }
        return OperatingCurve.Point(
            parameter: nil, top1: mix(\.top1), gigaFLOPs: mix(\.gigaFLOPs), milliseconds: mix(\.milliseconds),
            shares: zip(first.shares, second.shares).map { (1 - share) * $0 + share * $1 })
    }

    private func point(
        _ parameter: Double?, _ choices: [Int], _ gigaFLOPs: ImageCosts, _ milliseconds: ImageCosts
    ) -> OperatingCurve.Point {
        let shares = columns.shares(of: choices)
        let right = zip(results, choices).filter { $0.fixedLabelRanks[$1] == 0 }.count
        return OperatingCurve.Point(
            parameter: parameter, top1: Double(right) / Double(max(results.count, 1)), gigaFLOPs: gigaFLOPs.mean(shares: shares),
            milliseconds: milliseconds.mean(shares: shares), shares: shares)
    }
}
