import DynamicResolution

/// Computes rows from the results of single images.
struct RowBuilder {
    let results: [ImageResult]
    let flops: FLOPsModel
    /// Of an image, for the rows' milliseconds; nil leaves them out.
    let milliseconds: ImageCosts?

    /// - Parameter speed: images per second, over all ranks.
    func dynamic(speed: Double?) -> EvaluationRow {
        row(.dynamic, ranks: results.map(\.labelRank), choices: results.map(\.choice), speed: speed)
    }

    /// - Parameter column: resolution index.
    func fixed(_ column: Int, speed: Double?) -> EvaluationRow {
        row(
            .fixed(resolution: flops.resolutions[column]), ranks: results.map { $0.fixedLabelRanks[column] },
            choices: results.map { _ in column }, speed: speed)
    }

    /// The expectation over all random assignments with these shares. It is computed exactly, without sampling.
    ///
    /// - Parameter fixed: the rows of the fixed resolutions, largest first.
    func random(_ way: Way, shares: [Double], _ fixed: [EvaluationRow]) -> EvaluationRow {
        func mix(_ value: (EvaluationRow) -> Double) -> Double { zip(shares, fixed).reduce(0) { $0 + $1.0 * value($1.1) } }
        return row(way, top1: mix(\.top1), top5: mix(\.top5), shares: shares, speed: nil)
    }

    func oracle() -> EvaluationRow {
        let choices = results.map(\.oracleChoice)
        return row(.oracle, ranks: zip(results, choices).map { $0.fixedLabelRanks[$1] }, choices: choices, speed: nil)
    }

    private func row(_ way: Way, ranks: [Int], choices: [Int], speed: Double?) -> EvaluationRow {
        let count = Double(max(results.count, 1))
        return row(
            way, top1: Double(ranks.filter { $0 == 0 }.count) / count, top5: Double(ranks.filter { $0 < 5 }.count) / count,
            shares: flops.resolutions.indices.shares(of: choices), speed: speed)
    }

    private func row(_ way: Way, top1: Double, top5: Double, shares: [Double], speed: Double?) -> EvaluationRow {
        let isDynamic = way == .dynamic
        let total = isDynamic ? flops.costs.mean(shares: shares) : flops.costs.meanOfFixed(shares: shares)
        let cost = total - (isDynamic ? flops.predictor : 0)
        return EvaluationRow(
            way: way, top1: top1, top5: top5, classifierGFLOPs: cost / 1e9, totalGFLOPs: total / 1e9,
            classifierShare: cost / flops.largest, totalShare: total / flops.largest, shares: shares, imagesPerSecond: speed,
            milliseconds: milliseconds.map { isDynamic ? $0.mean(shares: shares) : $0.meanOfFixed(shares: shares) })
    }
}
