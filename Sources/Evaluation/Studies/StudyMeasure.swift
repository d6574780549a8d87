import Foundation

/// The measures of a variant. Accuracies are shares of the images, 0 … 1. Costs are means of an image, predictor included.
enum StudyMeasure: String, CaseIterable, Encodable, CodingKeyRepresentable {
    case top1
    case gigaFLOPs
    /// The cost in units of the classifier's cost at the largest resolution.
    case share
    /// Accuracy minus the accuracy of the same weights at the largest resolution.
    case gainOverLargest
    /// Accuracy minus the accuracy of random routing with the same shares. Its classifier costs the same; it needs no predictor.
    case gainOverRandomShares
    /// Accuracy minus the accuracy of a random mix of two neighbouring resolutions with the same cost, predictor included.
    case gainOverRandomCost
    /// Accuracy minus the accuracy of the best fixed resolution that does not cost more.
    case gainOverBestFixed
    /// Time of the steps of fine-tuning.
    case fineTuneSeconds

    /// The heading of its column.
    func title(_ resolutions: [Int]) -> String {
        switch self {
        case .top1: return "top-1 %"
        case .gigaFLOPs: return "GFLOPs"
        case .share: return "of \(Way.fixed(resolution: resolutions[0]).name) %"
        case .gainOverLargest: return "− \(Way.fixed(resolution: resolutions[0]).name)"
        case .gainOverRandomShares: return "− \(Way.randomSameShares.name)"
        case .gainOverRandomCost: return "− \(Way.randomSameCost.name)"
        case .gainOverBestFixed: return "− best fixed"
        case .fineTuneSeconds: return "seconds"
        }
    }

    /// Mean ± deviation. Accuracies are in per cent, gains in percentage points.
    func text(mean: Double, deviation: Double?) -> String {
        let decimals: Int
        switch self {
        case .gigaFLOPs, .fineTuneSeconds: decimals = mean > 0 ? Swift.max(0, 2 - Int(log10(mean).rounded(.down))) : 0
        default: decimals = 1
        }
        func format(_ value: Double) -> String { String(format: "%.\(decimals)f", isAccuracyOrShare ? 100 * value : value) }
        return (isGain && mean >= 0 ? "+" : "") + format(mean) + (deviation.map { " ± " + format($0) } ?? "")
    }

    private var isAccuracyOrShare: Bool { isGain || self == .top1 || self == .share }

    private var isGain: Bool {
        [.gainOverLargest, .gainOverRandomShares, .gainOverRandomCost, .gainOverBestFixed].contains(self)
    }
}
