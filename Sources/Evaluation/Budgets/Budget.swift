import Configuration
import DynamicResolution
import Foundation
import Interchange

/// The largest mean cost of an image, predictor included.
public struct Budget: Equatable, Sendable {
    public enum Unit: String, Codable, Sendable {
        /// In units of the classifier's multiply-adds at the largest resolution.
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

    /// Reads "0.6" as a share, and "2.5G", "300M" and "40K" as multiply-adds.
    ///
    /// - Throws: `BudgetError.unreadable`.
    public init(_ text: String) throws {
        switch ComputeCost(text) {
        case .share(let share): self.init(amount: share, unit: .share)
        case .multiplyAdds(let count): self.init(amount: count, unit: .multiplyAdds)
        case nil: throw BudgetError.unreadable(text, ComputeCost.allowed)
        }
    }

    /// Reads "20" or "1.5".
    ///
    /// - Throws: `BudgetError.unreadable`.
    public init(milliseconds text: String) throws {
        guard let number = Double(text), number.isFinite, number > 0 else {
            throw BudgetError.unreadable(text, "milliseconds an image, such as 20")
        }
        self.init(amount: number, unit: .milliseconds)
    }

    /// The budget in the unit of the costs: 10⁹ multiply-adds for a budget in multiply-adds, milliseconds for one in milliseconds.
    ///
    /// - Parameters:
    ///   - costs: of an image.
    ///   - isFixedAllowed: whether fixed resolutions, which need no decision, can meet the budget.
    /// - Throws: `BudgetError.unreachable` if every choice of resolutions costs more, or every choice costs less.
    func limit(_ costs: ImageCosts, isFixedAllowed: Bool = false) throws -> Double {
        let scale = scale(costs)
        let largest = (costs.choices.max() ?? 0) + costs.predictor
        let smallest = isFixedAllowed ? costs.classifier.min() ?? 0 : (costs.choices.min() ?? 0) + costs.predictor
        guard amount * scale >= smallest, isFixedAllowed || amount * scale <= largest else {
            throw BudgetError.unreachable(
                budget: text(amount), smallest: text(Self.rounded(smallest / scale, .up)),
                largest: text(Self.rounded(largest / scale, .down)) + unitText, predictor: text(costs.predictor / scale))
        }
        return amount * scale
    }

    /// Refuses a budget in multiply-adds that no choice of resolutions can meet. A budget in milliseconds passes: its limits are not known
    /// before the times are measured.
    ///
    /// - Parameters:
    ///   - flops: of the network.
    ///   - milliseconds: the times that decisions weigh; nil if they weigh multiply-adds.
    /// - Throws: `BudgetError.unreachable`.
    public func requireReachable(_ flops: FLOPsModel, milliseconds: ImageCosts? = nil) throws {
        if unit == .multiplyAdds || unit == .share && milliseconds == nil { _ = try limit(.gigaFLOPs(flops)) }
        if unit != .multiplyAdds, let milliseconds { _ = try limit(milliseconds) }
    }

    /// The factor from the amount to the unit of the costs.
    private func scale(_ costs: ImageCosts) -> Double {
        switch unit {
        case .share: return costs.largest
        case .multiplyAdds: return 1e-9
        case .milliseconds: return 1
        }
    }

    /// The budget in words, with the predictor's part of it.
    ///
    /// - Parameter costUnit: of the costs.
    func description(_ costs: ImageCosts, _ costUnit: CostUnit) -> String {
        "\(name(costs, costUnit)) an image; \(Figures.threeDigits(costs.predictor)) of it for the predictor"
    }

    /// The budget in words.
    ///
    /// - Parameter costUnit: of the costs.
    func name(_ costs: ImageCosts, _ costUnit: CostUnit) -> String {
        let amount = Figures.threeDigits(self.amount * scale(costs)) + (costUnit == .milliseconds ? " ms" : " GFLOPs")
        let whole = costUnit == .milliseconds ? " of the largest resolution's time" : unitText
        return (unit == .share ? "\(text(self.amount))\(whole), " : "") + amount
    }

    private func text(_ amount: Double) -> String {
        switch unit {
        case .share: return Self.digits(amount)
        case .milliseconds: return Self.digits(amount) + " ms"
        case .multiplyAdds: return ComputeCost.text(multiplyAdds: amount)
        }
    }

    private var unitText: String { unit == .share ? " of the largest resolution's multiply-adds" : "" }

    private static func digits(_ value: Double) -> String { String(format: "%.4g", value) }

    /// Four significant digits. The rule rounds towards the inside of a range, so that the printed limit is accepted.
    private static func rounded(_ value: Double, _ rule: FloatingPointRoundingRule) -> Double {
        guard value > 0 else { return 0 }
        let scale = pow(10, 3 - floor(log10(value)))
        return (value * scale).rounded(rule) / scale
    }
}

/// A budget that cannot be used.
public enum BudgetError: Error, Equatable, CustomStringConvertible {
    case unreadable(String, String)
    case unreachable(budget: String, smallest: String, largest: String, predictor: String)
    /// A smaller resolution took more time than a larger one.
    case timesOutOfOrder(resolutions: [Int], milliseconds: [Double])
    case nothingLeft(images: Int, share: Double)
    case noImages

    public var description: String {
        switch self {
        case .unreadable(let text, let allowed):
            return "'\(text)' is no budget; it takes \(allowed)"
        case .unreachable(let budget, let smallest, let largest, let predictor):
            return "a budget of \(budget) cannot be met: an image costs \(smallest) to \(largest), the predictor's \(predictor) included"
        case .timesOutOfOrder(let resolutions, let milliseconds):
            let times = zip(resolutions, milliseconds).map { "\(Figures.threeDigits($1)) ms at \($0)" }.joined(separator: ", ")
            return
                "the time of an image does not decrease with the resolution (\(times)): to measure a budget in milliseconds, use more "
                + "images or larger batches"
        case .noImages:
            return "there are no validation images to measure costs and accuracies on"
        case .nothingLeft(let images, let share):
            return "a calibration share of \(share) of \(images) images leaves no image to calibrate on, or none to report on"
        }
    }
}
