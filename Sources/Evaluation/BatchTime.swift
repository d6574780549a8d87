import DynamicResolution

/// The time of one batch at one resolution, or in the decider's own network.
struct BatchTime: Codable {
    /// Resolution index; the number of resolutions for the decider's own network.
    var part: Int
    var images: Int
    var seconds: Double

    /// Milliseconds an image: for each part, the median over its largest batches. The median is robust against other work on the machine
    /// and against the set-up in the first batch.
    ///
    /// - Parameter isCascade: whether the pass at the smallest resolution makes the decision.
    /// - Returns: nil if a resolution was not measured.
    static func milliseconds(_ times: [BatchTime], resolutionCount: Int, isCascade: Bool) -> ImageCosts? {
        let largest = times.map(\.images).max() ?? 0
        let medians = (0...resolutionCount).map { part in
            times.filter { $0.part == part && $0.images == largest }.map { 1e3 * $0.seconds / Double($0.images) }.median
        }
        let classifier = medians.dropLast().compactMap { $0 }
        guard classifier.count == resolutionCount else { return nil }
        return ImageCosts(classifier: classifier, predictor: medians[resolutionCount] ?? 0, isCascade: isCascade)
    }
}
