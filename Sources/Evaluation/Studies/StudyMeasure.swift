import Foundation

/// What a study measures of each variant. Accuracies are shares of the images, 0 … 1; costs are means of an image with the predictor.
enum StudyMeasure: String, CaseIterable, Encodable, CodingKeyRepresentable {
    case top1
    case gigaFLOPs
    /// The same in units of the classifier at the largest resolution.
    case share
    /// Accuracy less that of the same weights at the largest resolution,
    case gainOverLargest
    /// less that of random routing with the same shares, which costs as much but for the predictor,
    case gainOverRandomShares
    /// less that of the random mix of two neighbouring resolutions that costs as much with the predictor counted,
    case gainOverRandomCost
    /// and less that of the best fixed resolution whose cost is not above it.
    case gainOverBestFixed
    case fineTuneSeconds

    /// The heading of its column.
    func title(_ resolutions: [Int]) -> String {
        switch self {
        case .top1: return "top-1 %"
        case .gigaFLOPs: return "GFLOPs"
        case .share: return "of fixed \(resolutions[0]) %"
        case .gainOverLargest: return "− fixed \(resolutions[0])"
        case .gainOverRandomShares: return "− random, same shares"
        case .gainOverRandomCost: return "− random, same cost"
        case .gainOverBestFixed: return "− best fixed"
        case .fineTuneSeconds: return "seconds"
        }
    }

    /// Mean ± deviation; accuracies in per cent, and gains in points.
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
