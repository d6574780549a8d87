import Charts
import Configuration
import Foundation
import Interchange

/// Several runs side by side.
struct ComparisonSection {
    let runs: [ReportedRun]
    /// What the runs are called: different names.
    let names: [String]

    func html(_ place: Place) -> HTML {
        var content = [table]
        let figures = [costFigure, trainingFigure].compactMap { $0 }
        if !figures.isEmpty {
            content += [
                .element("div", [("class", "charts")], figures),
                .paragraph(
                    """
                    Left: each run's choice of resolutions (large marker, 95 % interval) and its fixed resolutions (line). Intervals of \
                    different runs are not paired; runs on other images or folds do not compare directly.
                    """, style: "note"),
            ]
        }
        content += [place.heading("Settings that differ"), differences]
        return place.section("Runs side by side", id: "comparison", content)
    }

    private var table: HTML {
        let columns: [HTML.Table.Column] = [
            .init("run", isNumber: false), .init("network", isNumber: false), .init("resolutions", isNumber: false),
            .init("decider", isNumber: false), .init("top-1 %"), .init("95 % interval"), .init("GFLOPs"), .init("of largest"),
            .init("fixed largest %"), .init("images"), .init("recommended", isNumber: false), .init("state", isNumber: false),
        ]
        let rows = zip(runs, names).map { run, name -> [HTML] in
            let table = run.table
            let row = table?.dynamic ?? table?.largest
            func cell(_ value: String?) -> HTML { .text(value ?? "–") }
            return [
                .name(name), .text(RunSummary(run: run).network), cell(run.resolutions.map(String.init).joined(separator: ", ")),
                cell(run.deciderName), cell(row.map { Figures.percent($0.top1) }),
                cell(row.flatMap { row in table.map { ResultSection.interval(row.top1, $0.images) } }),
                cell(row.map { Figures.threeDigits($0.totalGFLOPs) }), cell(row?.totalShare.map { Figures.percent($0) + " %" }),
                cell(table?.largest.map { Figures.percent($0.top1) }), cell(table.flatMap { $0.images > 0 ? "\($0.images)" : nil }),
                cell(run.deployment?.description), .text(run.log?.isFinished == true ? "complete" : "not complete"),
            ]
        }
        return HTML.Table(caption: "Runs", columns: columns, rows: rows).html
    }

    private var costFigure: HTML? {
        var series: [LineChart.Series] = []
        for (index, (run, name)) in zip(runs, names).enumerated() {
            guard let table = run.table else { continue }
            let look = ReportChart.look(index)
            let fixed = table.fixed.map { LineChart.Point(x: $0.totalGFLOPs, y: 100 * $0.top1) }
            var points: [LineChart.Point] = []
            if let row = table.dynamic ?? (fixed.count < 2 ? table.largest : nil) {
                let interval = WilsonInterval.of(row.top1, images: table.images)
                points = [
                    LineChart.Point(
                        x: row.totalGFLOPs, y: 100 * row.top1, label: name,
                        interval: interval.map { 100 * $0.lowerBound...100 * $0.upperBound })
                ]
            }
            var line = look.line
            line.width = 1.5
            series.append(LineChart.Series("\(name), fixed", color: look.color, line: line, marker: .dot, points: fixed))
            series.append(LineChart.Series(name, color: look.color, marker: look.marker, points: points))
        }
        return ReportChart.figure(
            "Accuracy against multiply-adds", description: "Top-1 accuracy of all runs against the mean multiply-adds of an image",
            verticalTitle: "top-1 accuracy (%)",
            LineChart.Panel(axisTitle: "mean GFLOPs of an image (10⁹ multiply-adds)", series: series))
    }

    /// The accuracy of the dynamic network, or of the largest resolution, after the epochs.
    private var trainingFigure: HTML? {
        let series = zip(runs, names).enumerated().map { index, pair in
            let look = ReportChart.look(index)
            let values = (pair.0.log?.records("evaluation") ?? []).map { record in
                let rows = record.rows ?? []
                let row =
                    rows.first(where: \.isDynamic) ?? rows.filter { $0.fixedResolution != nil }.max { $0.totalGFLOPs < $1.totalGFLOPs }
                return (x: Double(record.step), y: row.map { 100 * $0.top1 })
            }
            return LineChart.Series(
                pair.1, color: look.color, line: look.line, marker: look.marker, points: ReportChart.points(values))
        }
        return ReportChart.figure(
            "Validation accuracy", description: "Top-1 accuracy of all runs on their validation images over the steps",
            verticalTitle: "top-1 (%)", LineChart.Panel(axisTitle: "step", series: series))
    }

    private var differences: HTML {
        let values = runs.map { $0.configuration?.values ?? [:] }
        let keys = Set(values.flatMap(\.keys)).sorted().filter { key in Set(values.map { $0[key] ?? "" }).count > 1 }
        guard !keys.isEmpty else { return .paragraph("No key of the configurations differs.") }
        return HTML.Table(
            caption: "Keys of the configuration whose values differ",
            columns: [.init("key", isNumber: false)] + names.map { .init($0, isNumber: false) },
            rows: keys.map { key in [.element("code", [], [.text(key)])] + values.map { .text($0[key] ?? "–") } }
        ).html
    }
}
