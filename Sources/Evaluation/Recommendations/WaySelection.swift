import Interchange

/// The way that answers a question, and why the others do not.
struct RecommendedWay {
    var measure: WayMeasure
    /// One sentence for each other way. `dynamic` names the trained decider.
    var reasons: [String] = []
}

/// Answers which way to take.
struct WaySelection {
    private let ways: [Deployable]
    private let fixed: Deployable
    private let crossFitting: CrossFitting
    private let all: [Int]

    /// - Parameter ways: the simplest first; the first one is that of the fixed resolutions.
    init(_ ways: [Deployable]) {
        self.ways = ways
        fixed = ways[0]
        all = Array(fixed.results.indices)
        crossFitting = CrossFitting(count: all.count)
    }

    /// Measures a way whose setting is chosen by `choose`; nil if there is no setting.
    private func measured(_ way: Deployable, _ choose: ([Int]) -> WaySetting?) -> WayMeasure? {
        guard let setting = choose(all), let routed = crossFitting.routed(way, choose: choose) else { return nil }
        return WayMeasure(way, setting, routed, fixed: fixed, crossFitting)
    }

    private func fixedMeasure(_ index: Int) -> WayMeasure {
        guard let measure = measured(fixed, { _ in .fixed(index) }) else { preconditionFailure("a fixed resolution has a setting") }
        return measure
    }

    /// Every fixed resolution, and every decider at the limits that it can meet.
    func curve(_ limits: [Double]) -> [WayMeasure] {
        fixed.costs.classifier.indices.map(fixedMeasure)
            + ways.dropFirst().flatMap { way in
                limits.compactMap { limit in
                    measured(way) { way.setting(within: limit * way.costs.largest, $0) }
                }
            }
    }

    // MARK: - As accurate as the largest resolution

    /// The cheapest way that is no less accurate than the largest resolution.
    func asGood(_ limits: [Double]) -> RecommendedWay {
        var result = RecommendedWay(measure: fixedMeasure(0))
        for way in ways {
            guard let measure = measured(way, { way.cheapestAsGood(limits, $0) }) else { continue }
            let name = Self.name(measure)
            guard measure.setting != .fixed(0) else {
                result.reasons.append("\(name): at no lower cost as accurate on these images")
                continue
            }
            if let reason = reasonAgainst(measure) {
                result.reasons.append("\(name): \(reason)")
            } else if measure.cost > result.measure.cost - saving(measure) {
                result.reasons.append("\(name): as accurate, but it hardly saves more than a simpler way")
            } else {
                if result.measure.setting != .fixed(0) {
                    result.reasons.append("\(Self.name(result.measure)): as accurate, and more expensive")
                }
                result.measure = measure
            }
        }
        return result
    }

    /// A fixed resolution needs to save anything at all; a decider must be worth its complexity.
    private func saving(_ measure: WayMeasure) -> Double {
        measure.way == .fixedResolutions ? 0 : Recommendation.leastSaving * fixed.costs.largest
    }

    /// Why a way cannot replace the largest resolution; nil if it can.
    private func reasonAgainst(_ measure: WayMeasure) -> String? {
        let difference = measure.overLargest
        if difference.high < 0 { return "less accurate than the largest resolution: \(difference.points) points" }
        if difference.low < -Recommendation.tolerance {
            return "\(difference.points) points relative to the largest resolution; \(all.count) images are too few to exclude a loss of "
                + "\(Int(100 * Recommendation.tolerance)) points"
        }
        return measure.way == .fixedResolutions ? nil : rulesAgainst(measure)
    }

    /// Why a decider is no better than rules that do not look at the image; nil if it is.
    private func rulesAgainst(_ measure: WayMeasure) -> String? {
        if measure.overRandomMix.low <= 0 {
            return "not better than a random mix of fixed resolutions at the same cost, beyond the interval: "
                + "\(measure.overRandomMix.points) points"
        }
        if measure.overBestFixed.low <= 0 {
            return "not better than the best fixed resolution that costs no more, beyond the interval: "
                + "\(measure.overBestFixed.points) points"
        }
        return nil
    }

    // MARK: - Within a budget

    /// The most accurate way whose mean cost is within a limit. The limit must allow the smallest resolution.
    func mostAccurate(within limit: Double) -> RecommendedWay {
        let choose = { (images: [Int]) in fixed.mostAccurateFixed(within: limit * (1 + 1e-12), images) }
        guard let base = measured(fixed, choose) else { preconditionFailure("the limit allows no fixed resolution") }
        var result = RecommendedWay(measure: base)
        for way in ways.dropFirst() {
            guard let measure = measured(way, { way.setting(within: limit, $0) }) else {
                result.reasons.append("\(way.way.name): costs more at every λ")
                continue
            }
            let difference = measure.over(result.measure)
            if difference.low <= 0 {
                result.reasons.append(
                    "\(Self.name(measure)): not more accurate than the \(Self.name(result.measure)), which is simpler, beyond "
                        + "the interval: \(difference.points) points")
            } else if let reason = rulesAgainst(measure) {
                result.reasons.append("\(Self.name(measure)): \(reason)")
            } else {
                result.reasons.append("\(Self.name(result.measure)): less accurate")
                result.measure = measure
            }
        }
        return result
    }

    private static func name(_ measure: WayMeasure) -> String {
        let share = Figures.percent(measure.costShare)
        return measure.way == .fixedResolutions ? "fixed resolutions, at \(share) %" : "\(measure.way.name) at \(share) % of the cost"
    }
}
