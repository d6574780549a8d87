import Interchange
import DynamicResolution
import Foundation

/// What an image may cost in the mean when the network is used, the predictor included.
public struct Budget: Equatable, Sendable {
    public enum Unit: String, Codable, Sendable {
        /// Of the classifier's multiply-adds at the largest resolution.
        case share
        case multiplyAdds
        case milliseconds
    }

    public let amount: Double
    public let unit: Unit

    public init(amount: Double, unit: Unit) {
        self.amount = amount
        self.unit = unit
    }

    /// "0.6", a share; "2.5G", "300M" or "40K" multiply-adds.
    public init(_ text: String) throws {
        let factor = text.last.flatMap { ["G": 1e9, "M": 1e6, "K": 1e3][String($0)] }
        guard let number = Self.positive(factor == nil ? text : String(text.dropLast())) else {
            throw BudgetError.unreadable(
                text, "a share of the largest resolution's multiply-adds, such as 0.6, or a number of them, such as 2.5G, 300M or 40K")
        }
        self.init(amount: number * (factor ?? 1), unit: factor == nil ? .share : .multiplyAdds)
    }

    /// "20" or "1.5".
    public init(milliseconds text: String) throws {
        guard let number = Self.positive(text) else { throw BudgetError.unreadable(text, "milliseconds an image, such as 20") }
        self.init(amount: number, unit: .milliseconds)
    }

    private static func positive(_ text: String) -> Double? {
        Double(text).flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
    }

    /// The budget in the unit of the costs: milliseconds for one in milliseconds, 10⁹ multiply-adds for the others.
    ///
    /// - Throws: where no choice of resolutions costs as much or as little.
    func limit(_ costs: ImageCosts) throws -> Double {
        let scale = scale(costs)
        let (smallest, largest) = ((costs.classifier.min() ?? 0) + costs.predictor, (costs.classifier.max() ?? 0) + costs.predictor)
        guard (smallest...largest).contains(amount * scale) else {
            throw BudgetError.unreachable(
                budget: text(amount), smallest: text(Self.rounded(smallest / scale, .up)),
                largest: text(Self.rounded(largest / scale, .down)) + unitText, predictor: text(costs.predictor / scale))
        }
        return amount * scale
    }

    /// Refuses a budget in multiply-adds that no choice of resolutions can meet, before anything is measured.
    public func requireReachable(_ flops: FLOPsModel) throws {
        if unit != .milliseconds { _ = try limit(.gigaFLOPs(flops)) }
    }

    /// What one unit of the amount is in the costs.
    private func scale(_ costs: ImageCosts) -> Double {
        switch unit {
        case .share: return costs.classifier.max() ?? 0
        case .multiplyAdds: return 1e-9
        case .milliseconds: return 1
        }
    }

    /// The budget in words, with what it is spent on.
    func description(_ costs: ImageCosts) throws -> String {
        let (limit, predictor) = (Figures.threeDigits(try limit(costs)), Figures.threeDigits(costs.predictor))
        let amount = unit == .milliseconds ? "\(limit) ms" : "\(limit) GFLOPs"
        return (unit == .share ? "\(text(self.amount))\(unitText), " : "") + "\(amount) an image, of which the predictor takes \(predictor)"
    }

    private func text(_ amount: Double) -> String {
        switch unit {
        case .share: return Self.digits(amount)
        case .milliseconds: return Self.digits(amount) + " ms"
        case .multiplyAdds:
            let (factor, suffix) = amount >= 1e9 ? (1e9, "G") : amount >= 1e6 ? (1e6, "M") : (1e3, "K")
            return Self.digits(amount / factor) + suffix
        }
    }

    private var unitText: String { unit == .share ? " of the largest resolution's multiply-adds" : "" }

    private static func digits(_ value: Double) -> String { String(format: "%.4g", value) }

    /// Four significant digits, rounded such that a limit of a range lies within it.
    private static func rounded(_ value: Double, _ rule: FloatingPointRoundingRule) -> Double {
        guard value > 0 else { return 0 }
        let scale = pow(10, 3 - floor(log10(value)))
        return (value * scale).rounded(rule) / scale
    }
}

/// Why a budget is refused.
public enum BudgetError: Error, Equatable, CustomStringConvertible {
    case unreadable(String, String)
    case unreachable(budget: String, smallest: String, largest: String, predictor: String)
    /// A smaller resolution took longer than a larger one.
    case timesOutOfOrder(resolutions: [Int], milliseconds: [Double])
    case nothingLeft(images: Int, share: Double)
    case noImages

    public var description: String {
        switch self {
        case .unreadable(let text, let allowed):
            return "'\(text)' is no budget; it takes \(allowed)"
        case .unreachable(let budget, let smallest, let largest, let predictor):
            return "a budget of \(budget) can not be met: an image costs \(smallest) to \(largest), the predictor's \(predictor) "
                + "included"
        case .timesOutOfOrder(let resolutions, let milliseconds):
            let times = zip(resolutions, milliseconds).map { "\(Figures.threeDigits($1)) ms at \($0)" }.joined(separator: ", ")
            return
                "the times of an image do not fall with the resolution (\(times)): a budget in milliseconds needs more images, or larger "
                + "batches, to measure them"
        case .noImages:
            return "there are no validation images to measure costs and accuracies on"
        case .nothingLeft(let images, let share):
            return "a share of \(share) of \(images) images for the calibration leaves no image for it, or none to report on"
        }
    }
}
