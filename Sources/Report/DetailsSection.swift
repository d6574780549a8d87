import Foundation
import Interchange

/// What happened, the starts, the files and the configuration.
struct DetailsSection {
    let run: ReportedRun

    func html(_ place: Place) -> HTML {
        var content: [HTML] = [.paragraph(.text(run.state), " Folder: ", .element("code", [], [.name(run.folder.path)]), ".")]
        content += events
        content += ledger
        if !run.starts.isEmpty { content.append(.details("Starts and versions", [starts])) }
        if let text = run.configurationText {
            content.append(
                .details(
                    "The whole configuration (config.yaml)",
                    [
                        .element(
                            "pre", [("tabindex", "0"), ("role", "group"), ("aria-label", "config.yaml of \(run.name)")],
                            [.element("code", [], [.text(text)])])
                    ]))
        }
        return place.section("Configuration and events", id: "details", content)
    }

    private var events: [HTML] {
        let messages = run.log?.records("event") ?? []
        guard !messages.isEmpty else { return [.paragraph("No warnings were recorded.")] }
        let items = messages.suffix(50).map { record in
            HTML.text("\(record.stage), epoch \(record.epoch), step \(record.step): \(record.message ?? "")")
        }
        return [
            .paragraph(.text("Warnings that were recorded (\(messages.count)\(messages.count > 50 ? "; the last 50" : "")):")),
            .list(items),
        ]
    }

    private var ledger: [HTML] {
        let records = run.log?.records("ledger") ?? []
        guard !records.isEmpty else { return [] }
        let exact = records.filter { $0.eachExactlyOnce == true }.count
        return [.paragraph(.text("Each image was used exactly once in \(exact) of \(records.count) recorded epochs."))]
    }

    private var starts: HTML {
        .list(
            run.starts.map { start in
                let versions = [
                    start.drnet.map { "drnet \($0)" }, start.swift.map { "Swift \($0)" }, start.mpi, start.openBLAS, start.system,
                ].compactMap { $0 }
                return .group([
                    .text("\(start.started ?? "unknown time"): "),
                    .element("code", [], [.name(start.commandLine?.joined(separator: " ") ?? "")]),
                    .text(". \(versions.joined(separator: "; "))"),
                ])
            })
    }
}
