import Foundation
import Interchange

extension Study {
    /// The table as text, one variant a line, with a caption and notes.
    public func text() -> String {
        let points = pointRows.isEmpty ? [] : ["", TextTable.render(pointRows), "", Self.pointCaption]
        return ([TextTable.render(rows), "", caption] + points + notes).joined(separator: "\n")
    }

    /// The same in Markdown.
    public func markdown() -> String {
        let points = pointRows.isEmpty ? [] : [""] + Self.markdown(pointRows) + ["", Self.pointCaption]
        return (Self.markdown(rows) + ["", caption] + points + notes.flatMap { ["", $0] }).joined(separator: "\n") + "\n"
    }

    private static func markdown(_ rows: [[String]]) -> [String] {
        let lines = rows.map { "| " + $0.joined(separator: " | ") + " |" }
        let rule = "|" + rows[0].indices.map { $0 == 0 ? "---|" : "---:|" }.joined()
        return [lines[0], rule] + lines.dropFirst()
    }

    /// Writes study.json and study.md into the study's folder.
    public func save() throws {
        try JSON.write(self, to: path + "/study.json")
        try DurableFile.write(Data(markdown().utf8), to: path + "/study.md")
    }

    private var rows: [[String]] {
        let measures = StudyMeasure.allCases
        let heading =
            ["variant"] + measures.map { $0.title(resolutions) }
            + ["at \(resolutions.map(String.init).joined(separator: " / ")) %", "warned runs"]
        return [heading]
            + variants.map { variant in
                [variant.name]
                    + measures.map { measure in
                        variant.mean[measure].map { measure.text(mean: $0, deviation: variant.deviation[measure]) } ?? ""
                    } + [variant.shares.map(Figures.percent).joined(separator: " / "), "\(variant.warnedRuns) of \(variant.runs)"]
            }
    }

    private var caption: String {
        let seeds = variants.map(\.seeds.count).max() ?? 0
        let images = variants.map(\.images).max() ?? 0
        let error = variants.map(\.standardError).max() ?? 0
        return (seeds > 1 ? "Mean ± standard deviation over \(seeds) seeds" : "One seed")
            + "; \(images) held-out images; one standard error of top-1 is at most \(Figures.percent(error)) points. "
            + "Costs include the predictor. Seconds are the time of a run's fine-tuning."
    }
}
