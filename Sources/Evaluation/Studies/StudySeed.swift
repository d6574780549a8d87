import DynamicResolution

/// The measures of a variant with one seed, on the held-out images of all its folds together.
struct StudySeed: Encodable {
    var seed: UInt64
    /// One run for each fold.
    var runs: Int
    /// Held-out images of all folds.
    var images: Int
    /// `fineTuneSeconds` is the mean over the runs.
    var measures: [StudyMeasure: Double]
    /// Share of the images at each resolution, largest first.
    var shares: [Double]
    /// Accuracy of the same weights at each fixed resolution.
    var fixedTop1: [Double]
    /// The most accurate fixed resolution that does not cost more than the dynamic network, in pixels.
    var bestFixed: Int

    /// - Parameter runs: at least one; all of one seed, with the same resolutions and networks.
    init(_ runs: [StudyRun]) {
        let resolutions = runs[0].evaluation.resolutions
        let images = runs.reduce(0) { $0 + $1.evaluation.images }
        /// The mean over all images: a fold's weight is its number of images.
        func pooled(_ value: (ComparedRows) -> Double) -> Double {
            runs.reduce(0) { $0 + value($1.rows) * Double($1.evaluation.images) } / Double(images)
        }
        func dynamic(_ value: (EvaluationRow) -> Double) -> Double { pooled { value($0.dynamic) } }
        let fixed = resolutions.indices.map { index in pooled { $0.fixed[index].top1 } }
        let costs = ImageCosts(
            classifier: resolutions.indices.map { index in pooled { $0.fixed[index].classifierGFLOPs } }, predictor: 0)
        let top1 = dynamic(\.top1)
        let cost = dynamic(\.totalGFLOPs)
        let mixed = zip(costs.neighbouringShares(cost: cost), fixed).reduce(0) { $0 + $1.0 * $1.1 }
        // At least the smallest resolution is affordable, because the dynamic network's classifier does not cost less.
        let affordable = resolutions.indices.filter { costs.classifier[$0] <= cost }
        let best = affordable.max { fixed[$0] < fixed[$1] } ?? resolutions.count - 1
        measures = [
            .top1: top1, .gigaFLOPs: cost, .share: dynamic(\.totalShare), .gainOverLargest: top1 - fixed[0],
            .gainOverRandomShares: top1 - pooled { $0.randomSameShares.top1 }, .gainOverRandomCost: top1 - mixed,
            .gainOverBestFixed: top1 - fixed[best],
        ]
        let seconds = runs.compactMap(\.fineTuneSeconds)
        if seconds.count == runs.count { measures[.fineTuneSeconds] = seconds.mean }
        seed = runs[0].seed
        self.runs = runs.count
        self.images = images
        shares = resolutions.indices.map { index in dynamic { $0.shares[index] } }
        fixedTop1 = fixed
        bestFixed = resolutions[best]
    }
}
