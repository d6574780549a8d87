import Foundation

/// One HTML page about one or several runs. It needs no network and no script, and it contains its pictures.
public struct RunReport {
    private let runs: [ReportedRun]
    private let names: [String]
    private let galleryLimit: Int
    private let version: String
    private let date: Date

    /// Creates a report.
    ///
    /// - Parameters:
    ///   - runs: at least one.
    ///   - galleryLimit: photographs of each group of the gallery; 0 for no gallery.
    ///   - version: of the command.
    ///   - date: when the report is made.
    public init(_ runs: [ReportedRun], galleryLimit: Int, version: String, date: Date = Date()) {
        precondition(!runs.isEmpty, "a report is about one run at least")
        self.runs = runs
        // Runs of different studies can have the same name; their paths differ.
        let isUnique = Set(runs.map(\.name)).count == runs.count
        names = runs.map { isUnique ? $0.name : $0.folder.path }
        self.galleryLimit = galleryLimit
        self.version = version
        self.date = date
    }

    /// The page.
    public var html: String {
        let title = runs.count == 1 ? "Run \(names[0])" : "\(runs.count) runs: \(names.joined(separator: ", "))"
        let head: [HTML] = [
            .void("meta", [("charset", "utf-8")]),
            .void("meta", [("name", "viewport"), ("content", "width=device-width, initial-scale=1")]),
            // The page is text, styles and pictures in itself. A name from a data set can never load or run anything.
            .void(
                "meta",
                [
                    ("http-equiv", "Content-Security-Policy"),
                    ("content", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"),
                ]),
            .void("meta", [("name", "color-scheme"), ("content", "light dark")]),
            .element("title", [], [.text("\(title) · DRNet report")]), .element("style", [], [.trusted(ReportStyle.sheet)]),
        ]
        let body: [HTML] = [
            .element("a", [("class", "skip"), ("href", "#main")], ["To the content"]),
            .element(
                "header", [],
                [
                    .element("h1", [], runs.count == 1 ? ["Run ", .name(names[0])] : [.text("\(runs.count) runs side by side")]),
                    .paragraph(.text("Report of drnet \(version), \(Self.text(date))"), style: "note"),
                ]),
            contents, .element("main", [("id", "main"), ("tabindex", "-1")], sections),
        ]
        return "<!DOCTYPE html>\n"
            + HTML.element("html", [("lang", "en")], [.element("head", [], head), .element("body", [], body)]).markup + "\n"
    }

    private var sections: [HTML] {
        guard runs.count > 1 else { return parts(0, Place(level: 2, prefix: "")) }
        let comparison = ComparisonSection(runs: runs, names: names).html(Place(level: 2, prefix: ""))
        return [comparison]
            + runs.indices.map { index in
                HTML.element(
                    "section", [("aria-labelledby", "run-\(index + 1)"), ("class", "run")],
                    [.element("h2", [("id", "run-\(index + 1)")], ["Run ", .name(names[index])])]
                        + parts(index, Place(level: 3, prefix: "run-\(index + 1)-")))
            }
    }

    /// The sections of one run.
    private func parts(_ index: Int, _ place: Place) -> [HTML] {
        let run = runs[index]
        var parts = [RunSummary(run: run).html(), ResultSection(run: run).html(place)]
        if let table = run.table, let cost = CostSection(run: run, table: table).html(place) { parts.append(cost) }
        if let images = run.images {
            parts += [GallerySection(images: images, limit: galleryLimit).html(place), ClassSection(images: images).html(place)].compactMap
            { $0 }
        }
        if let log = run.log { parts.append(CurvesSection(log: log, resolutions: run.resolutions, target: run.target).html(place)) }
        parts.append(RankSection(run: run).html(place))
        parts.append(DetailsSection(run: run).html(place))
        return parts
    }

    private var contents: HTML {
        let links: [(id: String, title: HTML)] =
            runs.count == 1
            ? Self.sectionLinks(runs[0], galleryLimit)
            : [("comparison", "Runs side by side")] + names.enumerated().map { ("run-\($0 + 1)", .name($1)) }
        return .element(
            "nav", [("aria-label", "Contents")],
            [.list(links.map { .element("a", [("href", "#\($0.id)")], [$0.title]) })])
    }

    private static func sectionLinks(_ run: ReportedRun, _ galleryLimit: Int) -> [(id: String, title: HTML)] {
        var links: [(id: String, title: HTML)] = [("result", "Result")]
        if let table = run.table, CostSection(run: run, table: table).isShown { links.append(("cost", "Accuracy and cost")) }
        if let images = run.images, !images.images.isEmpty {
            if galleryLimit > 0 { links.append(("gallery", "Photographs")) }
            links.append(("classes", "Classes"))
        }
        if run.log != nil { links.append(("training", "Training")) }
        return links + [("ranks", "Time by rank"), ("details", "Configuration and events")]
    }

    /// The date in UTC, in a form that all readers understand.
    private static func text(_ date: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_GB")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "d MMMM yyyy, HH:mm 'UTC'"
        return formatter.string(from: date)
    }
}

extension ReportedRun {
    /// The mean cost that the training aims at, in 10⁹ multiply-adds; nil if it is not known or in milliseconds.
    var target: Double? {
        guard let policy = configuration?.policy, policy.costTable == nil, configuration?.stages.fineTune != nil else { return nil }
        switch policy.flopsTarget {
        case .multiplyAdds(let count): return count / 1e9
        case .share(let share): return table?.largest.map { share * $0.totalGFLOPs }
        }
    }
}
