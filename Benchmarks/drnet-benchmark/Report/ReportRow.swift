import Foundation
import Interchange

/// The result of one program in one case: a line of the table and a bar of the chart.
struct ReportRow {
    var label: String
    var imagesPerSecond: Double
    var gigaFLOPsPerSecond: Double?
    var shareOfPeak: Double?
    /// Megabytes moved per image: fused, and with separate sweeps.
    var traffic: (fused: Double, separate: Double)?
    var peakMemoryBytes: Double?
    /// The speed of drnet relative to this program, with its spread.
    var ratio: String
    /// The same ratio in words and without the spread; empty for drnet itself.
    var shortRatio: String

    fileprivate init(_ series: BenchmarkCase.Series) {
        label = series.label
        imagesPerSecond = series.imagesPerSecond.median
        gigaFLOPsPerSecond = series.gigaFLOPsPerSecond
        shareOfPeak = series.shareOfPeak
        let first = series.first
        if let fused = first.bytesPerImage, let separate = first.bytesPerImageSeparate { traffic = (fused / 1e6, separate / 1e6) }
        peakMemoryBytes = series.peakMemoryBytes
        ratio = series.ratio.map(Self.text) ?? ""
        shortRatio = series.ratio.map { String(format: "drnet is %.2f ×", $0.median) } ?? ""
    }

    /// Creates the row of the largest resolution alone, as a reference for the time of a dynamic network. Nil if it was not measured.
    fileprivate init?(fixedLargestOf series: BenchmarkCase.Series) {
        guard let fixed = series.first.fixedLargest, let timeRatio = series.timeRatio else { return nil }
        let first = series.first
        label = "fixed \(first.pixels[0])"
        let speeds = series.rounds.compactMap { round in
            round.measurement.fixedLargest.map { Double(first.batch) / $0.secondsPerStep }
        }
        imagesPerSecond = Spread(speeds).median
        // The ratio of GFLOP/s. An image has more FLOPs at the largest resolution, so the ratio of images/s is divided by `flopsRatio`.
        let speedUp = Spread(speeds).median / (series.imagesPerSecond.median * fixed.flopsRatio)
        gigaFLOPsPerSecond = series.gigaFLOPsPerSecond.map { $0 * speedUp }
        shareOfPeak = series.shareOfPeak.map { $0 * speedUp }
        ratio = "time \(Self.text(timeRatio)) at \(String(format: "%.2f", fixed.flopsRatio)) of the FLOPs"
        shortRatio = String(format: "drnet takes %.2f of the time, %.2f of the FLOPs", timeRatio.median, fixed.flopsRatio)
    }

    static func rows(_ measured: BenchmarkCase) -> [ReportRow] {
        let rows = measured.series.map(ReportRow.init)
        return rows.prefix(1) + (ReportRow(fixedLargestOf: measured.series[0]).map { [$0] } ?? []) + rows.dropFirst()
    }

    private static func text(_ spread: Spread) -> String {
        String(format: "%.2f (%.2f … %.2f)", spread.median, spread.smallest, spread.largest)
    }

    /// Images per second with three significant digits.
    var speedText: String {
        String(format: imagesPerSecond < 10 ? "%.2f" : imagesPerSecond < 100 ? "%.1f" : "%.0f", imagesPerSecond)
    }
}

extension BenchmarkReport {
    /// The results as a text table with a row for each program of each case.
    var table: String {
        var lines = [
            [
                "network", "pixels", "batch", "pass", "ranks × threads", "program", "images/s", "GFLOP/s", "of sgemm", "MB/image",
                "peak GB", "drnet by it",
            ]
        ]
        for measured in cases {
            for (index, row) in ReportRow.rows(measured).enumerated() {
                lines.append((index == 0 ? measured.titleCells : Array(repeating: "", count: 5)) + row.cells)
            }
        }
        return machine.text + "\n\n" + TextTable.render(lines)
    }
}

extension BenchmarkCase {
    fileprivate var titleCells: [String] {
        let first = series[0].first
        return [
            first.network, first.pixels.map(String.init).joined(separator: "/"), "\(first.batch)", first.pass,
            first.layout,
        ]
    }

    /// A description of the case.
    var title: String {
        let first = series[0].first
        let ranks = first.ranks > 1 ? ", \(first.ranks) ranks × \(first.threads == 1 ? "1 thread" : "\(first.threads) threads")" : ""
        return "\(first.network), \(first.pixels.map(String.init).joined(separator: "/")) px, batch \(first.batch), \(first.pass)\(ranks)"
    }
}

extension ReportRow {
    fileprivate var cells: [String] {
        [
            label, speedText, gigaFLOPsPerSecond.map { String(format: "%.0f", $0) } ?? "",
            shareOfPeak.map { String(format: "%.0f %%", 100 * $0) } ?? "",
            traffic.map { String(format: "%.0f (%.0f)", $0.fused, $0.separate) } ?? "",
            peakMemoryBytes.map { String(format: "%.2f", $0 / 1e9) } ?? "", ratio,
        ]
    }
}
