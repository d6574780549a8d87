import Evaluation
import Foundation
import Inference
import Interchange

/// The table of all ways to use the weights, the recommendation and, in words, what they say.
struct ResultSection {
    let run: ReportedRun

    func html(_ place: Place) -> HTML {
        var content: [HTML] = []
        if let table = run.table {
            content += [tableHTML(table), .paragraph(.text(reading(table)), style: "note")]
        } else {
            content.append(.paragraph("There is no evaluation yet. 'drnet evaluate' makes one as soon as the run has a checkpoint."))
        }
        if let deployment = run.deployment { content += recommendation(deployment, place) }
        return place.section("Result", id: "result", content)
    }

    private func tableHTML(_ table: ReportedTable) -> HTML {
        let differences = run.images?.differences ?? [:]
        let hasTimes = table.rows.contains { $0.milliseconds != nil }
        let hasSpeed = table.rows.contains { $0.imagesPerSecond != nil }
        var columns: [HTML.Table.Column] = [.init("way", isNumber: false), .init("top-1 %")]
        if table.images > 0 { columns.append(.init("95 % interval")) }
        if !differences.isEmpty { columns.append(.init("− largest, points")) }
        columns += [.init("top-5 %"), .init("GFLOPs"), .init("of largest")]
        if hasTimes { columns.append(.init("ms")) }
        if hasSpeed { columns.append(.init("images/s")) }
        columns += run.resolutions.map { .init("at \($0) px") }
        let rows = table.rows.map { row -> [HTML] in
            var cells: [HTML] = [.text(name(row)), .text(Figures.percent(row.top1))]
            if table.images > 0 { cells.append(.text(Self.interval(row.top1, table.images))) }
            if !differences.isEmpty { cells.append(.text(differences[row.name]?.points ?? "")) }
            cells += [
                .text(row.top5.map(Figures.percent) ?? ""), .text(Figures.threeDigits(row.totalGFLOPs)),
                .text(row.totalShare.map { Figures.percent($0) + " %" } ?? ""),
            ]
            if hasTimes { cells.append(.text(row.milliseconds.map(Figures.threeDigits) ?? "")) }
            if hasSpeed { cells.append(.text(row.imagesPerSecond.map { String(format: "%.0f", $0) } ?? "")) }
            return cells
                + run.resolutions.indices.map { column in
                    .text(row.shares.flatMap { column < $0.count ? Figures.percent($0[column]) + " %" : nil } ?? "")
                }
        }
        return HTML.Table(caption: "All ways to use the weights", columns: columns, rows: rows).html
    }

    private func name(_ row: ReportedRow) -> String { row.isDynamic ? run.deciderName.map { "dynamic: \($0)" } ?? row.name : row.name }

    /// How to read the table.
    private func reading(_ table: ReportedTable) -> String {
        var text = "From \(run.tableSource)."
        if table.images > 0 { text += " Intervals after Wilson, for \(table.images) images." }
        if run.images?.differences.isEmpty == false {
            text += " Differences are paired, image by image, with intervals from 2000 resamples."
        }
        return text + " GFLOPs are 10⁹ multiply-adds, with what decides. "
            + "“random, same shares” uses each resolution as often as the dynamic network, for images at random. "
            + "“oracle” takes the smallest resolution that is right, which nobody knows beforehand."
    }

    private func recommendation(_ deployment: Deployment, _ place: Place) -> [HTML] {
        let (expected, fitted) = (deployment.expected, deployment.expected.crossFitted)
        if deployment.chooser == .fixed, deployment.resolution == deployment.resolutions.first {
            let text =
                "Deploy the \(deployment.description) for all images: \(Figures.percent(fitted.top1.value)) % top-1 "
                + "(\(Figures.percent(fitted.top1.low)) … \(Figures.percent(fitted.top1.high))) at "
                + "\(Figures.threeDigits(expected.gigaFLOPs)) GFLOPs an image. 'drnet recommend' says why no cheaper way is recommended."
            return [place.heading("Recommendation"), .paragraph(.text(text))]
        }
        let sentence =
            "Deploy the \(deployment.description): \(Figures.percent(fitted.top1.value)) % top-1 "
            + "(\(Figures.percent(fitted.top1.low)) … \(Figures.percent(fitted.top1.high))) on other images, at "
            + "\(Figures.threeDigits(expected.gigaFLOPs)) GFLOPs an image, \(Figures.percent(fitted.costShare)) % of the largest "
            + "resolution's cost."
        let comparisons = [
            ("the largest resolution", fitted.overLargest), ("a random mix of equal cost", fitted.overRandomMix),
            ("the best fixed resolution that costs no more", fitted.overBestFixed),
        ]
        return [
            place.heading("Recommendation"), .paragraph(.text(sentence)),
            .list(comparisons.map { .text("relative to \($0.0): \($0.1.points) points") }),
        ]
    }

    /// "85.6 … 89.7".
    static func interval(_ share: Double, _ images: Int) -> String {
        WilsonInterval.of(share, images: images).map { "\(Figures.percent($0.lowerBound)) … \(Figures.percent($0.upperBound))" } ?? ""
    }
}
