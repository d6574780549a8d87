import Foundation
import Interchange

/// How the ranks spent the time of the steps.
struct RankSection {
    let run: ReportedRun

    /// The largest number of ranks of which each has a row; of more, those that wait least and most.
    private static let limit = 32

    func html(_ place: Place) -> HTML {
        guard let times = run.log?.rankTimes else {
            return place.section(
                "Time by rank", id: "ranks",
                [.paragraph("The records have no times of the ranks: the run was short, or an earlier version trained it.")])
        }
        let whole = max(times.ranks.indices.reduce(0) { $0 + times.total($1) }, 1e-9)
        let parts = RankTimes.parts.indices.map { part in
            "\(RankTimes.parts[part]) \(Figures.percent(times.ranks.reduce(0) { $0 + $1[part] } / whole)) %"
        }
        var content: [HTML] = [
            .paragraph(.text("All ranks together: \(parts.joined(separator: ", ")). Evaluations are not part of these times.")),
            bars(times), table(times),
        ]
        if times.ranks.count > Self.limit {
            content.append(.paragraph("\(times.ranks.count) ranks; the table has those that wait least and those that wait most."))
        }
        if let hosts = run.starts.last?.ranks, !hosts.isEmpty {
            content.append(.details("Ranks and hosts of the last start", [.list(hosts.map { .text($0) })]))
        }
        return place.section("Time by rank", id: "ranks", content)
    }

    /// The ranks in the table and in the bars.
    private func shown(_ times: RankTimes) -> [Int] {
        guard times.ranks.count > Self.limit else { return Array(times.ranks.indices) }
        func waiting(_ rank: Int) -> Double { times.ranks[rank][1] / max(times.total(rank), 1e-9) }
        let sorted = times.ranks.indices.sorted { (waiting($0), $0) < (waiting($1), $1) }
        return sorted.prefix(Self.limit / 2) + sorted.suffix(Self.limit / 2)
    }

    /// One bar for each rank. The numbers are in the table.
    private func bars(_ times: RankTimes) -> HTML {
        let longest = max(times.ranks.indices.map(times.total).max() ?? 0, 1e-9)
        let key = RankTimes.parts.enumerated().map { part, name in
            HTML.element("li", [], [.element("span", [("class", "swatch part-\(part)")], []), .text(name)])
        }
        let rows = shown(times).map { rank -> HTML in
            let segments = RankTimes.parts.indices.map { part in
                HTML.element(
                    "span",
                    [("class", "part-\(part)"), ("style", String(format: "width:%.2f%%", 100 * times.ranks[rank][part] / longest))], [])
            }
            return .element(
                "div", [("class", "bar-row")],
                [
                    .element("span", [("class", "bar-name")], [.text("rank \(rank)")]), .element("span", [("class", "bar")], segments),
                ])
        }
        return .element(
            "div", [("class", "bars"), ("aria-hidden", "true")], [.element("ul", [("class", "key")], key)] + rows)
    }

    private func table(_ times: RankTimes) -> HTML {
        let columns =
            [HTML.Table.Column("rank", isNumber: false), .init("seconds")] + RankTimes.parts.map { HTML.Table.Column("\($0) %") }
        return HTML.Table(
            caption: "Time of the steps by rank", columns: columns,
            rows: shown(times).map { rank in
                let total = times.total(rank)
                return [.text("\(rank)"), .text(String(format: "%.1f", total))]
                    + times.ranks[rank].map { .text(Figures.percent($0 / max(total, 1e-9))) }
            }
        ).html
    }
}
