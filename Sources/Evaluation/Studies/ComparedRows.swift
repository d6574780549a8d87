/// The rows that a study compares. Every finished run with a predictor has them.
struct ComparedRows {
    let dynamic: EvaluationRow
    let randomSameShares: EvaluationRow
    /// Largest resolution first.
    let fixed: [EvaluationRow]

    /// - Returns: nil if a row is missing.
    init?(_ evaluation: Evaluation) {
        let fixed = evaluation.resolutions.compactMap { evaluation.fixed($0) }
        guard let dynamic = evaluation.dynamic, let random = evaluation.row(.randomSameShares), fixed.count == evaluation.resolutions.count
        else { return nil }
        self.dynamic = dynamic
        randomSameShares = random
        self.fixed = fixed
    }
}
