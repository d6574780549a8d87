import Charts
import Configuration
import DynamicResolution
import Evaluation
import Inference
import Interchange

/// Accuracy against cost: the run's way beside all others.
struct CostSection {
    let run: ReportedRun
    let table: ReportedTable

    /// A cost of an image.
    private struct Unit {
        var title: String
        var axis: String
        var row: (ReportedRow) -> Double?
        var point: KeyPath<OperatingCurve.Point, Double>
    }

    /// Whether there is anything to draw.
    var isShown: Bool { units.contains { figure($0) != nil } }

    private var units: [Unit] {
        [
            Unit(
                title: "Accuracy against multiply-adds", axis: "mean GFLOPs of an image (10⁹ multiply-adds)", row: { $0.totalGFLOPs },
                point: \.gigaFLOPs),
            Unit(title: "Accuracy against time", axis: "mean milliseconds of an image", row: milliseconds, point: \.milliseconds),
        ]
    }

    func html(_ place: Place) -> HTML? {
        let figures = units.compactMap(figure)
        guard !figures.isEmpty else { return nil }
        return place.section(
            "Accuracy and cost", id: "cost",
            [.paragraph(.text(explanation)), .element("div", [("class", "charts")], figures)] + (figures.count < 2 ? [noTimes] : []))
    }

    private var explanation: String {
        var text =
            "Up and to the left is better. The line between the fixed resolutions is a random mix of two of them: a choice that looks at "
            + "the images must be above it. The oracle takes the smallest resolution that is right; no choice is more accurate."
        if table.images > 0 { text += " Vertical lines are 95 % intervals of \(table.images) images (Wilson)." }
        if let curve = run.images?.curve {
            text +=
                " Milliseconds: one process with \(curve.threads) \(curve.threads == 1 ? "thread" : "threads"), in batches of "
                + "\(curve.batchSize)."
        } else if let conditions = run.deployment?.costs.conditions {
            text += " Milliseconds: \(conditions.processor), \(conditions.threads) "
            text += "\(conditions.threads == 1 ? "thread" : "threads"), in batches of \(conditions.batchSize)."
        }
        return text
    }

    private var noTimes: HTML { .paragraph("There are no times of an image for this run, so accuracy is not shown against time.") }

    /// The mean time of an image: the table's or, for fixed resolutions, that of the deployment.
    private func milliseconds(_ row: ReportedRow) -> Double? {
        if let milliseconds = row.milliseconds { return milliseconds }
        guard let costs = run.deployment?.costs.milliseconds, costs.classifier.count == run.resolutions.count else { return nil }
        if let resolution = row.fixedResolution { return run.resolutions.firstIndex(of: resolution).map { costs.classifier[$0] } }
        // The times of another decider than the deployed one are not known, except for a threshold, which takes none.
        guard let shares = row.shares, shares.count == costs.classifier.count else { return nil }
        switch row.name {
        case Way.dynamic.name where run.configuration?.decider == .cascade(.threshold):
            return costs.deciding(isCascade: true, predictor: 0).mean(shares: shares)
        case Way.dynamic.name where run.deployment?.chooser == .trained: return costs.mean(shares: shares)
        case Way.dynamic.name: return nil
        default: return costs.meanOfFixed(shares: shares)
        }
    }

    private func figure(_ unit: Unit) -> HTML? {
        let fixed = table.fixed.filter { unit.row($0) != nil }
        guard fixed.count > 1 || run.images?.curve != nil else { return nil }
        var series = [
            LineChart.Series(
                "random mix", color: ReportChart.grey, line: .init(width: 1.5, dashes: [5, 4]), points: fixed.compactMap { point($0, unit) }
            )
        ]
        if let curve = run.images?.curve {
            func points(_ way: Way) -> [LineChart.Point] {
                curve.points(way).map { LineChart.Point(x: $0[keyPath: unit.point], y: 100 * $0.top1) }
            }
            series += [
                LineChart.Series(
                    "cascade through all resolutions", color: ReportChart.orange, line: .init(width: 1.5, dashes: [2, 2]),
                    points: points(.cascade)),
                LineChart.Series(
                    "\(decider) at any λ", color: ReportChart.blue, line: .init(width: 2), points: points(.dynamic)),
            ]
        }
        series += [
            LineChart.Series(
                "fixed resolution", color: ReportChart.ink, marker: .square,
                points: fixed.compactMap { row in
                    point(row, unit, label: row.fixedResolution.map { "\($0) px" }, hasInterval: true)
                }),
            ways("random choice", ReportChart.grey, .cross, unit) { $0.name.hasPrefix("random") },
            ways("oracle", ReportChart.green, .diamond, unit) { $0.name == Way.oracle.name },
        ]
        if let dynamic = table.dynamic {
            series.append(
                LineChart.Series(
                    decider, color: ReportChart.blue, marker: .ring,
                    points: [point(dynamic, unit, label: "this run", hasInterval: true)].compactMap { $0 }))
        }
        return ReportChart.figure(
            unit.title, description: "Top-1 accuracy of every way to use the weights against \(unit.axis)",
            verticalTitle: "top-1 accuracy (%)", LineChart.Panel(axisTitle: unit.axis, series: series))
    }

    private var decider: String { run.deciderName ?? "dynamic" }

    private func ways(
        _ name: String, _ color: String, _ marker: LineChart.Marker, _ unit: Unit, where condition: (ReportedRow) -> Bool
    ) -> LineChart.Series {
        LineChart.Series(name, color: color, marker: marker, points: table.rows.filter(condition).compactMap { point($0, unit) })
    }

    private func point(_ row: ReportedRow, _ unit: Unit, label: String? = nil, hasInterval: Bool = false) -> LineChart.Point? {
        guard let x = unit.row(row), x.isFinite, row.top1.isFinite else { return nil }
        let interval = hasInterval ? WilsonInterval.of(row.top1, images: table.images) : nil
        return LineChart.Point(x: x, y: 100 * row.top1, label: label, interval: interval.map { 100 * $0.lowerBound...100 * $0.upperBound })
    }
}

extension ReportedRun {
    /// What chooses resolutions, in words; nil if nothing does or it is not known.
    var deciderName: String? {
        switch configuration?.decider {
        case .cascade(.threshold): return "threshold cascade"
        case .cascade: return "learned cascade"
        case .some: return "predictor"
        case nil: return nil
        }
    }
}
