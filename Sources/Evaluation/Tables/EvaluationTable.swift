import Foundation
import Interchange

extension Evaluation {
    /// All tables: the rows, and the kinds of images if they are known.
    public func text() -> String {
        guard let difficulties else { return table() }
        return table() + "\n\n" + DifficultyTable.text(difficulties, resolutions: resolutions)
    }

    /// The rows as text, one a line. Columns without a value in any row are left out.
    public func table() -> String {
        var lines = [["", "top-1 %", "top-5 %", "GFLOPs", "with predictor", "of largest"] + resolutions.map { "at \($0)" }]
        for row in rows {
            lines.append(
                [
                    row.way.name, Figures.percent(row.top1), Figures.percent(row.top5), Figures.threeDigits(row.classifierGFLOPs),
                    Figures.threeDigits(row.totalGFLOPs),
                    row.classifierShare == row.totalShare
                        ? Figures.percent(row.classifierShare) + " %"
                        : "\(Figures.percent(row.classifierShare)) → \(Figures.percent(row.totalShare)) %",
                ] + row.shares.map { Figures.percent($0) + " %" })
        }
        func add(_ name: String, _ cells: [String?]) {
            guard cells.contains(where: { $0 != nil }) else { return }
            for (index, cell) in ([name] + cells.map { $0 ?? "" }).enumerated() { lines[index].append(cell) }
        }
        add("images/s", rows.map { $0.imagesPerSecond.map { String(format: "%.0f", $0) } })
        add("ms", rows.map { $0.milliseconds.map(Figures.threeDigits) })
        return TextTable.render(lines)
    }
}
