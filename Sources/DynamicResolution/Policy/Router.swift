/// Selects a resolution for each image, and splits a batch into one sub-batch for each resolution.
public enum Router {
    /// The images that chose each resolution, in their order in the batch; sub-batches may be empty.
    public static func subBatches(choices: [Int], resolutionCount: Int) -> [[Int]] {
        var result = [[Int]](repeating: [], count: resolutionCount)
        for (image, choice) in choices.enumerated() { result[choice].append(image) }
        return result
    }

    /// Returns argmax_j (s_ij − λ C_j) for each image; of equal values, the first. λ = 0 gives the decider's own choice, a large λ the
    /// cheapest resolution. A negative λ spends more than the decider would.
    ///
    /// - Parameters:
    ///   - scores: s, [N × m]: log π, or negative losses.
    ///   - costs: C, [m].
    ///   - costWeight: λ, in units of the scores for a unit of the costs.
    public static func choices(scores: [Double], costs: [Double], costWeight: Double) -> [Int] {
        let penalties = costs.map { costWeight * $0 }
        return stride(from: 0, to: scores.count, by: costs.count).map { start in
            func score(_ column: Int) -> Double { scores[start + column] - penalties[column] }
            return (1..<costs.count).reduce(0) { best, column in score(column) > score(best) ? column : best }
        }
    }
}
