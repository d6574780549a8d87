import Foundation
import TestSupport
import XCTest

@testable import Report

final class PageTests: XCTestCase {
    private func page(_ names: [String] = ["run"], _ make: (String) throws -> Void = { try RunFolders.make($0) }) throws -> Page {
        try withTemporaryFolder { folder in
            try Page(
                names.map { name in
                    try make("\(folder)/\(name)")
                    return try ReportedRun(path: "\(folder)/\(name)")
                })
        }
    }

    func testAPageHasTheResultTheCurvesTheRanksAndTheConfiguration() throws {
        let page = try page()
        XCTAssertEqual(page.texts("h1"), ["Run run"])
        XCTAssertEqual(page.texts("h2"), ["Result", "Accuracy and cost", "Training", "Time by rank", "Configuration and events"])
        let sentence =
            "With its learned cascade, resnet18 reaches 70.0 % top-1 accuracy (95 % interval 63.3 … 75.9) at 0.3 GFLOPs an image, "
            + "60.0 % of the cost of the largest resolution; 64 px for all images has 75.0 %."
        XCTAssertTrue(page.texts("p").contains(sentence), "\(page.texts("p"))")
        let captions = page.texts("figcaption")
        for title in ["Loss", "Accuracy", "Mean cost", "Shares of the resolutions", "Learning rate", "Accuracy against multiply-adds"] {
            XCTAssertTrue(captions.contains(title), "\(captions)")
        }
        XCTAssertTrue(page.texts("pre")[0].contains("architecture: resnet18"))
        XCTAssertTrue(page.texts("li").contains("fineTune, epoch 1, step 7: a <warning> & more"), "\(page.texts("li"))")
        XCTAssertTrue(page.text.contains("exactly once in 4 of 4 recorded epochs"))
        XCTAssertTrue(page.text.contains("The run is complete."))
    }

    func testTheTimesOfTheRanksAreThoseOfTheEpochsAndOfTheStepsAfterThem() throws {
        var metrics = RunFolders.usualMetrics
        metrics.append(
            #"{"kind":"step","stage":"fineTune","epoch":3,"step":9,"loss":1,"rankSeconds":{"computing":[10,0],"waiting":[0,10]}}"#)
        let page = try page { try RunFolders.make($0, metrics: metrics) }
        let rows = page.texts("tr").filter { $0.hasPrefix("0") || $0.hasPrefix("1") }
        // Four epochs of 2 seconds, and 10 more.
        XCTAssertTrue(rows.contains("018.088.90.05.65.60.0"), "\(rows)")
        XCTAssertTrue(rows.contains("118.022.266.75.65.60.0"), "\(rows)")
    }

    func testAPageIsAccessibleAndSelfContained() throws {
        for names in [["run"], ["a", "b"]] {
            let page = try page(names)
            XCTAssertEqual(page.root.attributes["lang"], "en")
            XCTAssertEqual(page.all("h1").count, 1)
            XCTAssertEqual(page.all("main").count, 1)
            let levels = page.all("h1", "h2", "h3", "h4", "h5", "h6").map { Int($0.name.dropFirst())! }
            for (before, after) in zip(levels, levels.dropFirst()) { XCTAssertLessThanOrEqual(after, before + 1, "\(levels)") }
            let ids = allIdentifiers(page.root)
            XCTAssertEqual(ids.count, Set(ids).count, "\(ids)")
            for link in page.all("a") { XCTAssertTrue(ids.contains(String(link.attributes["href"]!.dropFirst())), "\(link.attributes)") }
            let landmarks = page.all("section", "nav").compactMap { $0.attributes["aria-labelledby"] ?? $0.attributes["aria-label"] }
            let headings = page.all("h2", "h3").filter { landmarks.contains($0.attributes["id"] ?? "") }.map { heading in
                heading.text + heading.children.map(\.text).joined()
            }
            XCTAssertEqual(headings.count, Set(headings).count, "landmarks of the same name: \(headings)")
            for header in page.all("th") { XCTAssertNotNil(header.attributes["scope"]) }
            for drawing in page.all("svg") {
                XCTAssertEqual(drawing.attributes["role"], "img")
                XCTAssertEqual(drawing.children.first?.name, "title")
            }
            XCTAssertFalse(page.all("svg").isEmpty)
            for table in page.all("table") { XCTAssertEqual(table.children.first?.name, "caption") }
            XCTAssertEqual(page.all("script", "iframe", "link", "object", "embed", "form").count, 0)
            let withoutNamespace = page.text.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
            XCTAssertFalse(
                withoutNamespace.contains("http://") || withoutNamespace.contains("https://") || withoutNamespace.contains("url("))
        }
    }

    private func allIdentifiers(_ tree: XMLTree) -> [String] {
        (tree.attributes["id"].map { [$0] } ?? []) + tree.children.flatMap(allIdentifiers)
    }

    func testCurvesThatLookAlikeHaveOtherDashesOrMarkers() {
        let looks = (0..<10).map { ReportChart.look($0) }
        XCTAssertEqual(Set(looks.prefix(5).map(\.line.dashes)).count, 5)
        XCTAssertEqual(Set(looks.map { "\($0.color) \($0.line.dashes)" }).count, 10)
    }

    func testSeveralRunsAreComparedAndTheirSettingsToo() throws {
        let page = try page(["a", "<b>&"]) { path in
            let other = RunFolders.usualConfiguration.replacingOccurrences(of: "0.02", with: "0.05")
            try RunFolders.make(path, configuration: path.hasSuffix("a") ? RunFolders.usualConfiguration : other)
        }
        XCTAssertEqual(page.texts("h1"), ["2 runs side by side"])
        XCTAssertEqual(page.texts("h2"), ["Runs side by side", "Run a", "Run <b>&"])
        XCTAssertTrue(page.texts("tr").contains("stages.warmUp.learningRate.base0.020.05"), "\(page.texts("tr"))")
        XCTAssertEqual(page.all("b").count, 0)
    }

    // MARK: - Runs that lack something

    func testARunInTrainingHasAReport() throws {
        let page = try page { path in
            try RunFolders.make(path, metrics: Array(RunFolders.usualMetrics.prefix(12)), evaluation: false)
            try "{}".write(toFile: path + "/lock.json", atomically: true, encoding: .utf8)
        }
        XCTAssertTrue(page.text.contains("The folder is locked"), page.text)
        XCTAssertTrue(page.text.contains("the last evaluation in metrics.jsonl"))
        XCTAssertFalse(page.texts("th").contains("95 % interval"), "the number of images is not known")
    }

    func testFoldersWithFewFilesHaveAReportThatSaysWhatIsMissing() throws {
        let onlyConfiguration = try page { try RunFolders.make($0, metrics: nil, evaluation: false) }
        XCTAssertTrue(onlyConfiguration.text.contains("metrics.jsonl does not exist: there are no curves"), onlyConfiguration.text)
        XCTAssertTrue(onlyConfiguration.text.contains("has not been evaluated yet"))
        let onlyMetrics = try page { try RunFolders.make($0, evaluation: false, configuration: nil) }
        XCTAssertTrue(onlyMetrics.text.contains("config.yaml does not exist"))
        let unknown = try page { try RunFolders.make($0, configuration: "future: {key: <1>}\n") }
        XCTAssertTrue(unknown.text.contains("images are not evaluated"), unknown.text)
        XCTAssertTrue(unknown.texts("pre")[0].contains("future: {key: <1>}"), "the text is shown although it is not understood")
        let empty = try page { try RunFolders.make($0, metrics: [], evaluation: false) }
        XCTAssertTrue(empty.text.contains("too few steps for curves"))
    }

    func testDamagedAndStrangeRecordsDoNotPreventAReport() throws {
        let page = try page { path in
            try RunFolders.make(
                path,
                metrics: [
                    "no JSON", #"{"kind":"step","stage":"warmUp","epoch":1,"step":1,"loss":"nan","accuracy":"inf"}"#,
                    #"{"kind":"step","stage":"warmUp","epoch":1,"step":2,"loss":1e300,"learningRates":[]}"#,
                    #"{"kind":"evaluation","stage":"warmUp","epoch":1,"step":2,"rows":[]}"#,
                    #"{"kind":"epoch","stage":"warmUp","epoch":1,"step":2,"rankSeconds":{}}"#,
                    #"{"kind":"new","stage":"x","epoch":1,"step":3}"#,
                ])
            let handle = try XCTUnwrap(FileHandle(forWritingAtPath: path + "/metrics.jsonl"))
            handle.seekToEndOfFile()
            handle.write(Data(#"{"kind":"step","stage":"#.utf8))
            try handle.close()
            try "[".write(toFile: path + "/environment.json", atomically: true, encoding: .utf8)
            try "{}".write(toFile: path + "/deployment.json", atomically: true, encoding: .utf8)
        }
        XCTAssertTrue(page.text.contains("metrics.jsonl has 1 damaged line, which is left out"), page.text)
        XCTAssertTrue(page.text.contains("no recommendation is shown"))
        XCTAssertTrue(page.text.contains("the starts are not shown"))
    }

    func testAFolderWithoutARunIsRefused() throws {
        try withTemporaryFolder { folder in
            XCTAssertThrowsError(try ReportedRun(path: folder)) { XCTAssertTrue("\($0)".contains("holds no run"), "\($0)") }
            XCTAssertThrowsError(try ReportedRun(path: folder + "/x")) { XCTAssertTrue("\($0)".contains("is no folder"), "\($0)") }
        }
    }

    func testManyStepsAreAveragedToAFewPoints() {
        let points = ReportChart.points((0..<10_000).map { (Double($0), Double($0 % 2)) })
        XCTAssertLessThanOrEqual(points.count, 240)
        XCTAssertEqual(points.map(\.y).reduce(0, +) / Double(points.count), 0.5, accuracy: 0.02)
    }
}
