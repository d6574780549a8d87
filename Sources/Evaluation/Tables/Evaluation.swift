import DynamicResolution

/// One row of the evaluation's table: a way to use the same weights.
public struct EvaluationRow: Codable, Equatable, Sendable {
    public var name: String
    /// Shares of images, 0 … 1.
    public var top1: Double
    public var top5: Double
    /// Mean multiply-adds of an image in units of 10⁹: classifier only, and with the predictor where it is used.
    public var classifierGFLOPs: Double
    public var totalGFLOPs: Double
    /// The two relative to the classifier at the largest resolution.
    public var classifierShare: Double
    public var totalShare: Double
    /// Share of the images at each resolution, largest first.
    public var shares: [Double]
    /// Over all ranks, without loading and decoding; nil where it was not measured.
    public var imagesPerSecond: Double?
    /// Mean of an image on one rank, with the predictor where it is used; follows from the times of each resolution. Told beside a budget.
    public var milliseconds: Double?
}

/// The result of an evaluation: the dynamic network and, beside it, what the same weights do otherwise. Computed from the results
/// of the single images.
public struct Evaluation: Codable, Equatable, Sendable {
    public var images: Int
    public var classes: Int
    public var resolutions: [Int]
    public var rows: [EvaluationRow]
    /// The dynamic network on each kind of image, where the images' kinds are known.
    public var difficulties: [DifficultyTable.Row]?

    /// Images per second, over all ranks; nil for what did not run.
    public struct Speed: Equatable, Sendable {
        public var dynamic: Double?
        public var fixedLargest: Double?

        public init(dynamic: Double?, fixedLargest: Double?) {
            self.dynamic = dynamic
            self.fixedLargest = fixedLargest
        }
    }

    /// - Parameters:
    ///   - milliseconds: of an image, for the rows to tell.
    ///   - matched: for a row that mixes fixed resolutions at random to the dynamic network's own cost, counted in these.
    public init(
        results: [ImageResult], flops: FLOPsModel, classCount: Int, speed: Speed, hasPredictor: Bool, milliseconds: ImageCosts? = nil,
        matched: ImageCosts? = nil
    ) {
        images = results.count
        classes = classCount
        resolutions = flops.resolutions
        let builder = RowBuilder(results: results, flops: flops, milliseconds: milliseconds)
        let dynamic = hasPredictor ? builder.dynamic(speed: speed.dynamic) : nil
        rows = dynamic.map { [$0] } ?? []
        guard results.allSatisfy({ !$0.fixedLabelRanks.isEmpty }) else { return }
        let fixed = flops.resolutions.indices.map { builder.fixed($0, speed: $0 == 0 ? speed.fixedLargest : nil) }
        rows += fixed
        if let dynamic {
            rows.append(builder.random(Self.randomName, shares: dynamic.shares, fixed))
            if let matched {
                let shares = matched.neighbouringShares(cost: matched.mean(shares: dynamic.shares))
                rows.append(builder.random(Self.matchedName, shares: shares, fixed))
            }
        }
        rows.append(builder.oracle())
    }

    public var dynamic: EvaluationRow? { rows.first { $0.name == Self.dynamicName } }
    var randomWithSameShares: EvaluationRow? { rows.first { $0.name == Self.randomName } }
    public func fixed(_ resolution: Int) -> EvaluationRow? { rows.first { $0.name == Self.fixedName(resolution) } }

    package static let dynamicName = "dynamic"
    static let randomName = "random, same shares"
    static let matchedName = "random, same cost"
    package static let oracleName = "oracle"
    static func fixedName(_ resolution: Int) -> String { "fixed \(resolution)" }
}

/// Computes rows from the results of single images.
private struct RowBuilder {
    let results: [ImageResult]
    let flops: FLOPsModel
    let milliseconds: ImageCosts?

    private var columns: Range<Int> { flops.resolutions.indices }

    func dynamic(speed: Double?) -> EvaluationRow {
        row(
            Evaluation.dynamicName, ranks: results.map(\.labelRank), choices: results.map(\.choice), usesPredictor: true,
            speed: speed)
    }

    func fixed(_ column: Int, speed: Double?) -> EvaluationRow {
        row(
            Evaluation.fixedName(flops.resolutions[column]), ranks: results.map { $0.fixedLabelRanks[column] },
            choices: results.map { _ in column }, usesPredictor: false, speed: speed)
    }

    /// The expectation over all random assignments with these shares: exact, there is nothing to draw.
    func random(_ name: String, shares: [Double], _ fixed: [EvaluationRow]) -> EvaluationRow {
        func mix(_ value: (EvaluationRow) -> Double) -> Double { zip(shares, fixed).reduce(0) { $0 + $1.0 * value($1.1) } }
        return row(name, top1: mix(\.top1), top5: mix(\.top5), shares: shares, usesPredictor: false, speed: nil)
    }

    /// The smallest resolution that is right, for each image.
    func oracle() -> EvaluationRow {
        let choices = results.map(\.oracleChoice)
        return row(
            Evaluation.oracleName, ranks: zip(results, choices).map { $0.fixedLabelRanks[$1] }, choices: choices,
            usesPredictor: false, speed: nil)
    }

    private func row(
        _ name: String, ranks: [Int], choices: [Int], usesPredictor: Bool, speed: Double?
    ) -> EvaluationRow {
        let count = Double(max(results.count, 1))
        return row(
            name, top1: Double(ranks.filter { $0 == 0 }.count) / count, top5: Double(ranks.filter { $0 < 5 }.count) / count,
            shares: shares(choices), usesPredictor: usesPredictor, speed: speed)
    }

    private func row(
        _ name: String, top1: Double, top5: Double, shares: [Double], usesPredictor: Bool, speed: Double?
    ) -> EvaluationRow {
        let cost = flops.mean(shares: shares)
        let total = cost + (usesPredictor ? flops.predictor : 0)
        return EvaluationRow(
            name: name, top1: top1, top5: top5, classifierGFLOPs: cost / 1e9, totalGFLOPs: total / 1e9,
            classifierShare: cost / flops.largest, totalShare: total / flops.largest, shares: shares,
            imagesPerSecond: speed,
            milliseconds: (usesPredictor ? milliseconds : milliseconds?.withoutPredictor)?.mean(shares: shares))
    }

    private func shares(_ choices: [Int]) -> [Double] { columns.shares(of: choices) }
}
