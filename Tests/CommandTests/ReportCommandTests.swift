import Foundation
import TestSupport
import XCTest

/// `drnet report` on runs that the real command trained.
final class ReportCommandTests: XCTestCase {
    func testAReportOfAFinishedRunHasPhotographsAndTheTimesOfBothRanks() throws {
        try withTemporaryFolder { folder in
            let small = try SmallRun(in: folder, trainingImages: 24, validationImages: 12)
            try small.complete("run", ranks: 2)
            let result = try small.drnet(["report", small.path("run")])
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(result.text.contains("report: \(small.path("run"))/report.html"), result.text)
            let page = try self.page(small.path("run") + "/report.html")
            XCTAssertTrue(page.contains("data:image/jpeg;base64,"))
            for title in ["Result", "Accuracy and cost", "Photographs", "Classes", "Training", "Time by rank", "Configuration and events"] {
                XCTAssertTrue(page.contains(">\(title)</h2>"), title)
            }
            XCTAssertTrue(page.contains("Only 48 px is right"))
            XCTAssertTrue(page.contains("<th scope=\"row\">1</th>"), "rank 1 is in the table")
            XCTAssertTrue(page.contains("Each image was used exactly once in 5 of 5 recorded epochs."))
            XCTAssertFalse(page.contains("Parts of this report are missing"), page.prefix(20000).description)
            try self.checkTable(page, small)
            // The page belongs to the run: a restart moves it aside.
            let restart = try small.train("run", ["--restart", "--set", "stages.fineTune.epochs=1"])
            XCTAssertEqual(restart.status, 0, restart.text)
            XCTAssertTrue(FileManager.default.fileExists(atPath: small.path("run") + "/earlier-1/report.html"))
            try self.checkIncomplete(small)
        }
    }

    /// The accuracies of the page are those that the run itself measured.
    private func checkTable(_ page: String, _ small: SmallRun) throws {
        struct Table: Decodable {
            struct Row: Decodable {
                var name: String
                var top1: Double
            }
            var rows: [Row]
        }
        let data = try Data(contentsOf: URL(fileURLWithPath: small.path("run") + "/evaluation.json"))
        for row in try JSONDecoder().decode(Table.self, from: data).rows {
            let name = row.name == "dynamic" ? "dynamic: predictor" : row.name
            let cells = "<tr><th scope=\"row\">\(name)</th><td class=\"number\">\(String(format: "%.1f", 100 * row.top1))</td>"
            XCTAssertTrue(page.contains(cells), "\(cells)")
        }
    }

    /// Runs that lack something, and several runs.
    private func checkIncomplete(_ small: SmallRun) throws {
        let evaluation = try small.drnet(["report", small.path("run"), "--no-evaluation", "-o", small.folder + "/plain.html"])
        XCTAssertEqual(evaluation.status, 0, evaluation.text)
        XCTAssertFalse(try page(small.folder + "/plain.html").contains("data:image"))
        try FileManager.default.removeItem(atPath: small.path("run") + "/evaluation.json")
        try FileManager.default.moveItem(atPath: small.folder + "/data", toPath: small.folder + "/moved")
        let lost = try small.drnet(["report", small.path("run"), "-o", small.folder + "/lost.html"])
        XCTAssertEqual(lost.status, 0, lost.text)
        XCTAssertTrue(lost.text.contains("single images are not shown"), lost.text)
        XCTAssertTrue(try page(small.folder + "/lost.html").contains("single images are not shown"))
        let both = try small.drnet(
            [
                "report", small.path("run"), small.path("run") + "/earlier-1", "--data", small.folder + "/moved", "-o",
                small.folder + "/both.html",
            ])
        XCTAssertEqual(both.status, 0, both.text)
        let text = try page(small.folder + "/both.html")
        XCTAssertTrue(text.contains("2 runs side by side") && text.contains("data:image") && text.contains("stages.fineTune.epochs"))
    }

    private func page(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    func testWrongFoldersAndFilesAreRefusedBeforeAnything() throws {
        try withTemporaryFolder { folder in
            func report(_ arguments: [String]) throws -> ProcessRunner.Result {
                try ProcessRunner.run(builtExecutable(named: "drnet"), ["report"] + arguments, timeout: 60)
            }
            let missing = try report([folder + "/nothing"])
            XCTAssertEqual(missing.status, 1)
            XCTAssertTrue(missing.text.contains("is no folder; name the folder of a run"), missing.text)
            let empty = try report([folder])
            XCTAssertEqual(empty.status, 1)
            XCTAssertTrue(empty.text.contains("holds no run"), empty.text)
            XCTAssertEqual(try report([folder, folder, "--predictions", "x.csv"]).status, 64)
            XCTAssertEqual(try report([folder, "--gallery", "1000"]).status, 64)
            try "seed: 1\n".write(toFile: folder + "/config.yaml", atomically: true, encoding: .utf8)
            let unwritable = try report([folder, "-o", folder + "/no/such/folder.html"])
            XCTAssertEqual(unwritable.status, 1)
            XCTAssertTrue(unwritable.text.contains("cannot write the file"), unwritable.text)
        }
    }
}
