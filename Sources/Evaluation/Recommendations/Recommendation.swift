import Configuration
import DynamicResolution
import Foundation
import Inference
import Interchange

/// Which way of using a network's weights to deploy, from the results of held-out images.
///
/// The ways are the fixed resolutions, a cascade by a threshold and the trained decider. Settings are chosen on one half of the images and
/// measured on the other, and the reverse. A decider is recommended only if it is better than both rules that do not look at the image, by
/// more than the 95 % intervals; of ways that are nearly equal, the simpler one is.
public struct Recommendation {
    /// A loss of accuracy that the interval must exclude, before a cheaper way counts as accurate as the largest resolution.
    static let tolerance = 0.02
    /// A decider must save this share of the largest resolution's cost, compared with a simpler way that is as accurate.
    static let leastSaving = 0.05
    /// The mean costs at which deciders are compared, in units of the largest resolution's cost.
    static let limits = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]

    /// Of an image with the trained decider, and how they were measured.
    struct Times {
        var costs: ImageCosts
        var conditions: CostTable.Conditions
    }

    let images: Int
    let resolutions: [Int]
    let unit: CostUnit
    let ways: [Deployable]
    /// Every fixed resolution, and the deciders at the limits.
    let curve: [WayMeasure]
    /// The cheapest way that is no less accurate than the largest resolution.
    let asGood: RecommendedWay
    /// The most accurate way within the budget; nil without a budget.
    let withinBudget: RecommendedWay?
    private let budgetText: String?
    /// How the decider of the run is called.
    let deciderName: String
    /// Nil if no times were measured.
    let milliseconds: Times?
    private let flops: FLOPsModel

    /// - Parameters:
    ///   - outcome: of every image at every resolution, with the decider's scores if there is a decider.
    ///   - model: the network that was evaluated.
    ///   - measured: how the outcome's times were measured.
    ///   - table: the times that decisions weigh; nil if they weigh multiply-adds.
    ///   - budget: a limit of the mean cost; nil without one.
    /// - Throws: `BudgetError` if there are no images, or no way meets the budget.
    public init(
        _ outcome: Evaluator.Outcome, model: FrozenDRNet, measured: CostTable.Conditions, table: CostTable?, budget: Budget?
    ) throws {
        guard !outcome.results.isEmpty else { throw BudgetError.noImages }
        let gigaFLOPs = ImageCosts.gigaFLOPs(model.flops)
        let times =
            table.map { Times(costs: $0.milliseconds, conditions: $0.conditions) }
            ?? outcome.milliseconds.map { Times(costs: $0, conditions: measured) }
        let unit: CostUnit = model.costUnit == .milliseconds || budget?.unit == .milliseconds ? .milliseconds : .multiplyAdds
        let costs = unit == .milliseconds ? try times?.costs ?? outcome.requireMilliseconds() : gigaFLOPs
        try BudgetEvaluation.requireOrder(costs, model.costs, resolutions: model.resolutions)
        let ways = Deployable.ways(outcome.results, model, costs: costs)
        let selection = WaySelection(ways)
        curve = selection.curve(Self.limits)
        asGood = selection.asGood(Self.limits)
        withinBudget = try budget.map { budget in
            let unitCosts = budget.unit == .multiplyAdds ? gigaFLOPs : costs
            return WaySelection(Deployable.ways(outcome.results, model, costs: unitCosts))
                .mostAccurate(within: try budget.limit(unitCosts, isFixedAllowed: true))
        }
        budgetText = budget.map { budget in
            budget.unit == .multiplyAdds ? budget.name(gigaFLOPs, .multiplyAdds) : budget.name(costs, unit)
        }
        images = outcome.results.count
        resolutions = model.resolutions
        flops = model.flops
        deciderName = model.decider?.isCascade == true ? "trained cascade" : "trained predictor"
        milliseconds = times
        self.unit = unit
        self.ways = ways
    }

    /// The way to deploy: within the budget, if there is one.
    var deployed: RecommendedWay { withinBudget ?? asGood }

    /// The mean cost of images with shares of the choices.
    func costs(_ way: Way) -> (gigaFLOPs: ImageCosts, milliseconds: ImageCosts?) {
        func deciding(_ costs: ImageCosts) -> ImageCosts {
            way == .dynamic ? costs : costs.deciding(isCascade: way == .thresholdCascade, predictor: 0)
        }
        return (deciding(.gigaFLOPs(flops)), milliseconds.map { deciding($0.costs) })
    }

    // MARK: - Text

    /// How the numbers were obtained.
    private var method: String {
        "\(images) held-out images. λ and resolutions are chosen on one half of the images and measured on the other, and the reverse; "
            + "the λ to deploy is then calibrated on all of them. 95 % intervals from \(PairedBootstrap.resamples) paired resamples."
    }

    /// The answers, for the end of a training.
    public var summary: String {
        var lines = [answer("no less accurate than fixed \(resolutions[0])", asGood)]
        if let withinBudget { lines.append(answer("within \(budgetText ?? "the budget")", withinBudget)) }
        if let tooFew { lines.append(tooFew) }
        return lines.joined(separator: "\n")
    }

    /// The curve of all ways, the answers and the reasons.
    public func text() -> String {
        var parts = [method, TextTable.render(rows), summary]
        let questions =
            [("no less accurate than fixed \(resolutions[0])", asGood)] + (withinBudget.map { [("within the budget", $0)] } ?? [])
        for (question, way) in questions where !way.reasons.isEmpty {
            parts.append("the other ways, \(question):\n" + way.reasons.map { "  \(named($0))" }.joined(separator: "\n"))
        }
        return parts.joined(separator: "\n\n")
    }

    private func answer(_ question: String, _ way: RecommendedWay) -> String {
        let measure = way.measure
        let accuracy =
            measure.setting == .fixed(0)
            ? "\(Figures.percent(measure.top1.value)) % top-1" : "\(measure.overLargest.points) points relative to fixed \(resolutions[0])"
        return "\(question): take the \(name(measure.way, measure.setting)), \(cost(measure)): \(accuracy)"
    }

    /// Intervals of so few images can never be narrow enough.
    private var tooFew: String? {
        let needed = Int((3 / Self.tolerance).rounded(.up))
        guard images < needed else { return nil }
        return "\(images) images are too few to decide: an interval has at least ±\(Figures.percent(min(1, 3 / Double(images)))) points. "
            + "Use at least \(needed), better several hundred"
    }

    private func cost(_ measure: WayMeasure) -> String {
        // With a budget in another unit, the measure's cost is in that unit; the share is nearly the same.
        let largest = ways[0].costs.largest
        if measure.setting == .fixed(0) { return costText(largest) }
        let way = ways.first { $0.way == measure.way } ?? ways[0]
        let mean = way.routed(measure.setting, Array(way.results.indices)).map(\.cost).mean ?? 0
        return "\(costText(mean)) an image (\(Figures.percent(mean / largest)) % of fixed \(resolutions[0]))"
    }

    private func costText(_ cost: Double) -> String { Figures.threeDigits(cost) + (unit == .milliseconds ? " ms" : " GFLOPs") }

    /// Replaces the name of the way `dynamic`.
    private func named(_ text: String) -> String { text.replacingOccurrences(of: Way.dynamic.name, with: deciderName) }

    private func name(_ way: Way, _ setting: WaySetting) -> String {
        switch setting {
        case .fixed(let index): return "fixed resolution \(resolutions[index])"
        case .costWeight(let costWeight):
            return "\(named(way.name)) with λ = \(String(format: "%.6g", costWeight))"
        }
    }

    private var rows: [[String]] {
        let unitName = unit == .milliseconds ? "ms" : "GFLOPs"
        return [["", "λ", "top-1 %", unitName, "of largest", "− fixed \(resolutions[0])", "− random mix", "− best fixed"]]
            + curve.map { measure in
                let largest = ways[0].costs.largest
                var cells = [named(measure.way.name), "", Figures.percent(measure.top1.value), Figures.threeDigits(measure.cost)]
                cells.append(Figures.percent(measure.cost / largest) + " %")
                switch measure.setting {
                case .fixed(let index):
                    cells[0] = Way.fixed(resolution: resolutions[index]).name
                    return cells + [index == 0 ? "" : measure.overLargest.points, "", ""]
                case .costWeight(let costWeight):
                    cells[1] = String(format: "%.4g", costWeight)
                    return cells + [measure.overLargest.points, measure.overRandomMix.points, measure.overBestFixed.points]
                }
            }
    }
}
