import Charts

/// The curves of a training: loss, accuracy, cost, shares, learning rate.
struct CurvesSection {
    let log: MetricsLog
    /// Largest first; empty if they are not known.
    let resolutions: [Int]
    /// The mean cost that the training aims at, in 10⁹ multiply-adds; nil if it is not known.
    let target: Double?

    func html(_ place: Place) -> HTML {
        let main = [loss, accuracy, cost, shares, learningRates].compactMap { $0 }
        let more = [gradientNorm, speed, entropy].compactMap { $0 }
        guard !main.isEmpty else {
            return place.section("Training", id: "training", [.paragraph("The run has recorded too few steps for curves.")])
        }
        var content: [HTML] = [
            .paragraph(
                """
                Horizontal: steps of the run. Thin lines are single steps, averaged where there are many; points are epochs or \
                evaluations.
                """
            )
        ]
        content.append(.element("div", [("class", "charts")], main))
        if cost == nil && shares == nil {
            content.append(.paragraph("No stage of this run trains a choice of resolutions, so there are no costs or shares over time."))
        }
        if !more.isEmpty {
            content.append(.details("More curves: gradient norm, speed, entropy", [.element("div", [("class", "charts")], more)]))
        }
        return place.section("Training", id: "training", content)
    }

    // MARK: - Charts

    private var loss: HTML? {
        figure(
            "Loss", "nats", description: "Training loss over the steps of the run",
            [
                LineChart.Series("steps", color: ReportChart.grey, line: .init(width: 1), points: steps { $0.loss }),
                LineChart.Series(
                    "epochs", color: ReportChart.blue, line: .init(width: 2.5), marker: .dot, points: epochs { $0.loss }),
            ])
    }

    private var accuracy: HTML? {
        var series = [
            LineChart.Series(
                "training, augmented", color: ReportChart.grey, line: .init(width: 1.5, dashes: [3, 3]), marker: .dot,
                points: epochs { $0.accuracy.map { 100 * $0 } })
        ]
        for (index, name) in evaluatedWays.enumerated() {
            let look = ReportChart.look(index)
            series.append(
                LineChart.Series(
                    name, color: look.color, line: look.line, marker: look.marker,
                    points: points("evaluation") { record in record.rows?.first { $0.name == name }.map { 100 * $0.top1 } }))
        }
        return figure("Accuracy", "top-1 (%)", description: "Accuracy on training and validation images over the steps of the run", series)
    }

    /// The dynamic network, and the largest and the smallest fixed resolution.
    private var evaluatedWays: [String] {
        let rows = log.records("evaluation").flatMap { $0.rows ?? [] }
        let fixed = Set(rows.compactMap(\.fixedResolution)).sorted(by: >)
        let ends = fixed.count > 2 ? [fixed[0], fixed[fixed.count - 1]] : fixed
        return (rows.contains(where: \.isDynamic) ? ["dynamic"] : []) + ends.map { "fixed \($0)" }
    }

    private var cost: HTML? {
        let single = steps { $0.gigaFLOPs }
        guard single.count + epochs({ $0.gigaFLOPs }).count > 1 else { return nil }
        var series = [
            LineChart.Series("steps", color: ReportChart.grey, line: .init(width: 1), points: single),
            LineChart.Series(
                "epochs", color: ReportChart.blue, line: .init(width: 2.5), marker: .dot, points: epochs { $0.gigaFLOPs }),
        ]
        let places = series.flatMap { $0.points.map(\.x) }
        if let target, let first = places.min(), let last = places.max() {
            series.append(
                LineChart.Series(
                    "target", color: ReportChart.orange, line: .init(width: 2, dashes: [8, 4]),
                    points: [.init(x: first, y: target), .init(x: last, y: target, label: "target")]))
        }
        return figure(
            "Mean cost", "GFLOPs of an image", description: "Mean multiply-adds of an image over the steps of the run", range: 0...0, series
        )
    }

    private var shares: HTML? {
        let count = min(log.records.compactMap { $0.shares?.count }.max() ?? 0, 32)
        guard count > 1 else { return nil }
        let series = (0..<count).map { column in
            let name = column < resolutions.count ? "\(resolutions[column]) px" : "resolution \(column + 1)"
            let look = ReportChart.look(column)
            return LineChart.Series(
                name, color: look.color, line: look.line,
                points: steps { record in
                    record.shares.flatMap { column < $0.count ? 100 * $0[column] : nil }
                }.labelled(name))
        }
        return figure(
            "Shares of the resolutions", "images (%)", description: "Share of the images at each resolution over the steps of the run",
            range: 0...100, series)
    }

    private var learningRates: HTML? {
        let series = ["classifier", "predictor"].enumerated().map { column, name in
            LineChart.Series(
                name, color: ReportChart.look(column).color, line: ReportChart.look(column).line,
                points: steps { record in record.learningRates.flatMap { column < $0.count ? $0[column] : nil } })
        }
        return figure("Learning rate", "", description: "Learning rate over the steps of the run", range: 0...0, series)
    }

    private var gradientNorm: HTML? { single("Gradient norm", "before clipping") { $0.gradientNorm } }
    private var speed: HTML? { single("Speed", "images/s") { $0.imagesPerSecond } }
    private var entropy: HTML? { single("Entropy of the policy", "nats") { $0.entropy } }

    private func single(_ title: String, _ unit: String, _ value: (MetricsLog.Record) -> Double?) -> HTML? {
        figure(
            title, unit, description: "\(title) over the steps of the run", range: 0...0,
            [LineChart.Series("steps", color: ReportChart.blue, line: .init(width: 1.5), points: steps(value))])
    }

    // MARK: - Values

    private func figure(
        _ title: String, _ unit: String, description: String, range: ClosedRange<Double>? = nil, _ series: [LineChart.Series]
    ) -> HTML? {
        let last = min(log.records.map(\.step).max() ?? 0, 1 << 40)
        let marks = log.stages.map { LineChart.Mark(x: Double(min(max($0.firstStep, 0), last)), label: $0.name) }
        return ReportChart.figure(
            title, description: description, verticalTitle: unit, range: range,
            LineChart.Panel(axisTitle: "step", series: series, range: 0...Double(max(last, 1)), marks: marks.count > 1 ? marks : []))
    }

    private func steps(_ value: (MetricsLog.Record) -> Double?) -> [LineChart.Point] { points("step", value) }
    private func epochs(_ value: (MetricsLog.Record) -> Double?) -> [LineChart.Point] { points("epoch", value) }

    private func points(_ kind: String, _ value: (MetricsLog.Record) -> Double?) -> [LineChart.Point] {
        ReportChart.points(log.records(kind).map { (Double($0.step), value($0)) })
    }
}
