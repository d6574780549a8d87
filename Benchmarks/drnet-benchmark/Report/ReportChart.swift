import Charts
import DynamicResolution
import Training

/// A chart with a horizontal bar of GFLOP/s for each program and case. GFLOP/s are comparable between cases of different sizes. The bars
/// are labelled with images/s and the ratio to this project. A line marks sgemm's best.
struct ReportChart {
    private let report: BenchmarkReport
    private let cases: [(title: String, rows: [ReportRow])]
    private let peak: Double?
    private let largest: Double

    private enum Size {
        static let width = 980.0
        /// The width of the programs' names, left of the bars.
        static let labels = 130.0
        static let bars = 500.0
        static let head = 64.0
        static let title = 24.0
        static let row = 18.0
        static let gap = 14.0
        static let foot = 52.0
    }

    init(_ report: BenchmarkReport) {
        self.report = report
        cases = report.cases.map { ($0.title, ReportRow.rows($0)) }
        peak = report.machine.peak.map(\.gigaFLOPsPerSecondAllThreads)
        largest = max(cases.flatMap(\.rows).compactMap(\.gigaFLOPsPerSecond).max() ?? 0, peak ?? 0, 1)
    }

    var document: SVGDocument {
        let heights = cases.map { Size.title + Size.row * Double($0.rows.count) + Size.gap }
        let bottom = Size.head + heights.reduce(0, +)
        var document = SVGDocument(width: Size.width, height: bottom + Size.foot, title: "Speed of DRNet Trainer and other programs")
        document.add(.text("Speed of training and inference", x: 16, y: 26, size: 17, isBold: true, SVGStyle(fill: "#222")))
        document.add(.text(report.machine.text, x: 16, y: 46, size: 12, SVGStyle(fill: "#555")))
        addAxis(to: &document, bottom: bottom)
        var top = Size.head
        for (index, measured) in cases.enumerated() {
            document.add(group(measured.title, measured.rows, top: top))
            top += heights[index]
        }
        return document
    }

    private func x(_ gigaFLOPs: Double) -> Double { Size.labels + Size.bars * gigaFLOPs / largest }

    private func addAxis(to document: inout SVGDocument, bottom: Double) {
        let axis = Axis(covering: 0...largest, steps: 6)
        // The axis ends at the largest value, which need not be a tick.
        for tick in axis.ticks where tick <= largest {
            document.add(.line(from: (x(tick), Size.head), to: (x(tick), bottom), SVGStyle(stroke: "#ddd", strokeWidth: 1)))
            document.add(
                .text(axis.text(tick), x: x(tick), y: bottom + 16, size: 11, anchor: .middle, SVGStyle(fill: "#555")))
        }
        if let peak {
            document.add(
                .line(from: (x(peak), Size.head), to: (x(peak), bottom), SVGStyle(stroke: "#aaa", strokeWidth: 1, dashes: [5, 4])))
            document.add(.text("sgemm", x: x(peak), y: Size.head - 4, size: 11, anchor: .middle, SVGStyle(fill: "#555")))
        }
        document.add(
            .text(
                "GFLOP/s: two for each multiply-add of direct convolutions; a training step counts as three forward passes",
                x: Size.labels,
                y: bottom + 36, size: 11, SVGStyle(fill: "#555")))
    }

    private func group(_ title: String, _ rows: [ReportRow], top: Double) -> SVGElement {
        var elements: [SVGElement] = [.text(title, x: 16, y: 17, size: 13, isBold: true, SVGStyle(fill: "#222"))]
        for (index, row) in rows.enumerated() {
            let y = Size.title + Size.row * Double(index)
            let length = x(row.gigaFLOPsPerSecond ?? 0) - Size.labels
            elements.append(
                .text(row.label, x: Size.labels - 8, y: y + 12, size: 12, anchor: .end, SVGStyle(fill: "#222")))
            elements.append(
                .rect(
                    x: Size.labels, y: y + 1, width: length, height: Size.row - 4, cornerRadius: 2, SVGStyle(fill: Self.colour(row.label))))
            elements.append(
                .text(note(row), x: Size.labels + length + 8, y: y + 12, size: 12, SVGStyle(fill: "#222")))
        }
        return .group(y: top, SVGStyle(), elements)
    }

    private func note(_ row: ReportRow) -> String {
        row.speedText + " images/s" + (row.shortRatio.isEmpty ? "" : ": \(row.shortRatio)")
    }

    private static func colour(_ label: String) -> String {
        switch label {
        case "drnet": return "#1f6fb2"
        case _ where label.hasPrefix("pytorch"): return "#e07b39"
        case _ where label.hasPrefix("onnxruntime"): return "#7a8a4f"
        default: return "#9dc3e2"
        }
    }
}
