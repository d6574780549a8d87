/// Splits a batch into one sub-batch a resolution.
public enum Router {
    /// The images that chose each resolution, in their order in the batch; sub-batches may be empty.
    public static func subBatches(choices: [Int], resolutionCount: Int) -> [[Int]] {
        var result = [[Int]](repeating: [], count: resolutionCount)
        for (image, choice) in choices.enumerated() { result[choice].append(image) }
        return result
    }
}
