import Inference

extension Evaluation {
    /// The top-1 accuracy of each way minus that of the largest resolution, with a paired 95 % interval. Empty without results at all
    /// resolutions, or with one resolution.
    ///
    /// - Parameter results: of which this table was computed.
    package func differencesFromLargest(_ results: [ImageResult]) -> [(way: Way, difference: IntervalEstimate)] {
        guard resolutions.count > 1, !results.isEmpty, results.allSatisfy({ $0.fixedLabelRanks.count == resolutions.count }) else {
            return []
        }
        let compared = rows.filter { $0.way != .fixed(resolution: resolutions[0]) }
        let columns = compared.map { row in results.map { Self.correct(row, $0, resolutions) - $0.isCorrect(0) } }
        let estimates = PairedBootstrap(columns).estimates().map { $0.widened(images: results.count) }
        return zip(compared, estimates).map { ($0.way, $1) }
    }

    /// The probability that a way answers an image correctly: 0 or 1, except for random choices.
    private static func correct(_ row: EvaluationRow, _ result: ImageResult, _ resolutions: [Int]) -> Double {
        switch row.way {
        case .dynamic: return result.labelRank == 0 ? 1 : 0
        case .oracle: return result.isCorrect(result.oracleChoice)
        case .fixed(let resolution): return result.isCorrect(resolutions.firstIndex(of: resolution) ?? 0)
        default: return zip(row.shares, resolutions.indices).reduce(0) { $0 + $1.0 * result.isCorrect($1.1) }
        }
    }
}
