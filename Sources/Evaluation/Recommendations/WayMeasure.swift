import DynamicResolution
import Inference

/// A way to use the weights as it was measured on images that did not choose its setting, beside the rules that it must beat.
struct WayMeasure {
    let way: Way
    /// Chosen on all images: the one to deploy.
    let setting: WaySetting
    /// 1 for each image whose answer is right, otherwise 0.
    let correct: [Double]
    /// Mean cost of an image, decision included.
    let cost: Double
    /// In units of the largest resolution's cost.
    let costShare: Double
    let top1: IntervalEstimate
    /// Top-1 accuracy minus that of the largest resolution.
    let overLargest: IntervalEstimate
    /// Minus the expected accuracy of a random mix of two neighbouring resolutions with the same mean cost.
    let overRandomMix: IntervalEstimate
    /// Minus that of the most accurate fixed resolution that costs no more; it is chosen on the other half of the images.
    let overBestFixed: IntervalEstimate

    /// - Parameters:
    ///   - routed: all images, each with a setting that was chosen without it.
    ///   - fixed: the fixed resolutions.
    init(_ way: Deployable, _ setting: WaySetting, _ routed: [RoutedImage], fixed: Deployable, _ crossFitting: CrossFitting) {
        let results = way.results
        self.way = way.way
        self.setting = setting
        let cost = routed.map(\.cost).mean ?? 0
        let correct = zip(results, routed).map { $0.isCorrect($1.choice) }
        let mixed = way.costs.neighbouringShares(cost: cost)
        let columns = mixed.indices
        let best =
            crossFitting.routed(fixed) { fixed.mostAccurateFixed(within: cost * (1 + 1e-9), $0) }
            ?? results.map { _ in RoutedImage(choice: mixed.count - 1, cost: 0) }
        let references = [
            results.map { _ in 0.0 }, results.map { $0.isCorrect(0) },
            results.map { result in columns.reduce(0) { $0 + mixed[$1] * result.isCorrect($1) } },
            zip(results, best).map { $0.isCorrect($1.choice) },
        ]
        let estimates = PairedBootstrap(references.map { zip(correct, $0).map(-) }).estimates().map { $0.widened(images: results.count) }
        self.cost = cost
        costShare = cost / way.costs.largest
        self.correct = correct
        top1 = IntervalEstimate(value: estimates[0].value, low: max(0, estimates[0].low), high: min(1, estimates[0].high))
        overLargest = estimates[1]
        overRandomMix = estimates[2]
        overBestFixed = estimates[3]
    }

    /// Top-1 accuracy minus that of another way, on the same images.
    func over(_ other: WayMeasure) -> IntervalEstimate {
        PairedBootstrap([zip(correct, other.correct).map(-)]).estimates()[0].widened(images: correct.count)
    }
}

extension Deployable {
    /// The most accurate fixed resolution of some images within a cost; of equal ones the smallest. Nil if all cost more.
    func mostAccurateFixed(within limit: Double, _ images: [Int]) -> WaySetting? {
        let affordable = costs.classifier.indices.filter { costs.classifier[$0] <= limit }
        let accuracies = affordable.map { accuracy(.fixed($0), images) }
        guard let most = accuracies.max(), let position = accuracies.lastIndex(of: most) else { return nil }
        return .fixed(affordable[position])
    }

    /// The cheapest setting at which these images are classified as accurately as at the largest resolution. All more expensive settings
    /// must be as accurate, too: a single lucky setting on the way down does not count. The largest resolution if there is no other.
    ///
    /// - Parameter limits: mean costs from the largest down, in units of the largest resolution's cost.
    func cheapestAsGood(_ limits: [Double], _ images: [Int]) -> WaySetting {
        let largest = accuracy(.fixed(0), images)
        var settings: [WaySetting]
        if way == .fixedResolutions {
            settings = costs.classifier.indices.dropFirst().map { .fixed($0) }
        } else {
            settings = limits.compactMap { setting(within: $0 * costs.largest, images) }
        }
        settings = Array(settings.prefix { accuracy($0, images) >= largest })
        return settings.last ?? .fixed(0)
    }
}
