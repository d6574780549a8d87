import Charts
import Foundation
import Interchange

extension OperatingCurve {
    /// Writes curve.json, curve.csv and curve.svg. On rank 0.
    ///
    /// - Parameter title: of the figure; names the weights.
    public func save(to folder: String, title: String) throws {
        try JSON.write(self, to: folder + "/curve.json")
        try DurableFile.write(Data(csv().utf8), to: folder + "/curve.csv")
        try DurableFile.write(Data(figure(title: title).document.rendered.utf8), to: folder + "/curve.svg")
    }

    /// One line for each point.
    func csv() -> String {
        let heading = ["series", "parameter", "top1", "gigaFLOPs", "milliseconds"] + resolutions.map { "at\($0)" }
        let lines = series.flatMap { series in
            series.points.map { point in
                [series.way.name, point.parameter.map(Self.number) ?? ""]
                    + ([point.top1, point.gigaFLOPs, point.milliseconds] + point.shares).map(Self.number)
            }
        }
        return CSV.text([heading] + lines)
    }

    private static func number(_ value: Double) -> String { String(format: "%.6g", value) }

    /// Two panels: accuracy against multiply-adds, and accuracy against milliseconds.
    func figure(title: String) -> LineChart {
        LineChart(
            title: title, subtitle: subtitle, verticalTitle: "top-1 accuracy (%)",
            panels: [
                LineChart.Panel(axisTitle: "mean GFLOPs of an image (10⁹ multiply-adds)", series: drawn(\.gigaFLOPs)),
                LineChart.Panel(axisTitle: "mean milliseconds of an image", series: drawn(\.milliseconds)),
            ])
    }

    private var subtitle: String {
        let atZero = points(.dynamic).first { $0.parameter == 0 }?.top1 ?? 0
        let error = Evaluation.standardError(accuracy: atZero, images: images)
        return "\(images) validation images: one standard error at λ = 0 is \(Figures.percent(error)) points. "
            + "Milliseconds of one rank with \(threads) \(threads == 1 ? "thread" : "threads"), in batches of \(batchSize)."
    }

    /// The series of a panel. The colours are the ones of Okabe and Ito, which colour-blind readers can distinguish.
    private func drawn(_ cost: KeyPath<Point, Double>) -> [LineChart.Series] {
        func points(_ way: Way, label: (Point) -> String? = { _ in nil }) -> [LineChart.Point] {
            self.points(way).map { LineChart.Point(x: $0[keyPath: cost], y: 100 * $0.top1, label: label($0)) }
        }
        let blue = "#0072B2"
        return [
            LineChart.Series(
                "random mix", color: "#888888", line: .init(width: 1.5, dashes: [5, 4]), points: points(.randomMix)),
            LineChart.Series("confidence cascade", color: "#D55E00", line: .init(width: 2), marker: .dot, points: points(.cascade)),
            LineChart.Series("dynamic, any λ", color: blue, line: .init(width: 2.5), marker: .dot, points: points(.dynamic)),
            LineChart.Series(
                "fixed resolution", color: "#222222", marker: .square,
                points: points(.fixedResolutions) { point in point.parameter.map { "\(Int($0)) px" } }),
            LineChart.Series(Way.oracle.name, color: "#009E73", marker: .diamond, points: points(.oracle)),
            LineChart.Series(
                "dynamic, λ = 0", color: blue, marker: .ring,
                points: zip(self.points(.dynamic), points(.dynamic) { _ in "λ = 0" }).filter { $0.0.parameter == 0 }.map(\.1)),
        ]
    }
}
