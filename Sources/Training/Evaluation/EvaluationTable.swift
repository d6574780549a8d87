import Foundation

extension Evaluation {
    /// All tables.
    public func text() -> String {
        guard let difficulties else { return table() }
        return table() + "\n\n" + DifficultyTable.text(difficulties, resolutions: resolutions)
    }

    /// The table as text, one row a line; speeds as they were measured.
    public func table() -> String {
        var lines = [["", "top-1 %", "top-5 %", "GFLOPs", "with predictor", "of largest"] + resolutions.map { "at \($0)" }]
        for row in rows {
            lines.append(
                [
                    row.name, Self.percent(row.top1), Self.percent(row.top5), Self.gigaFLOPs(row.classifierGFLOPs),
                    Self.gigaFLOPs(row.totalGFLOPs),
                    row.classifierShare == row.totalShare
                        ? Self.percent(row.classifierShare) + " %"
                        : "\(Self.percent(row.classifierShare)) → \(Self.percent(row.totalShare)) %",
                ] + row.shares.map { Self.percent($0) + " %" })
        }
        func add(_ name: String, _ cells: [String?]) {
            guard cells.contains(where: { $0 != nil }) else { return }
            for (index, cell) in ([name] + cells.map { $0 ?? "" }).enumerated() { lines[index].append(cell) }
        }
        add("images/s", rows.map { $0.imagesPerSecond.map { String(format: "%.0f", $0) } })
        add("ms", rows.map { $0.milliseconds.map(Self.threeDigits) })
        return TextTable.render(lines)
    }

    static func percent(_ share: Double) -> String { String(format: "%.1f", 100 * share) }

    /// Three significant digits: networks range from 0.001 to 100.
    static func gigaFLOPs(_ value: Double) -> String { threeDigits(value) }
    static func threeDigits(_ value: Double) -> String { String(format: "%.3g", value) }
}

/// Aligns columns: the first to the left, the others to the right; a rule under the heading.
package enum TextTable {
    package static func render(_ rows: [[String]]) -> String {
        guard let heading = rows.first else { return "" }
        let widths = heading.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { row in
            zip(row, widths).enumerated().map { index, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                return index == 0 ? cell.0 + padding : padding + cell.0
            }.joined(separator: "  ")
        }
        lines.insert(String(repeating: "─", count: widths.reduce(0, +) + 2 * (widths.count - 1)), at: 1)
        return lines.joined(separator: "\n")
    }
}
