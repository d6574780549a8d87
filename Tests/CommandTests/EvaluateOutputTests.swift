import Foundation
import TestSupport
import XCTest

/// Tests what `drnet evaluate` needs, what it writes, and what it keeps when something cannot be written.
final class EvaluateOutputTests: XCTestCase {
    private static let short = ["stages.warmUp=null", "stages.recalibrate=null", "stages.fineTune.epochs=1"].flatMap { ["--set", $0] }

    private func withTrainedRun(_ body: (SmallRun) throws -> Void) throws {
        try withSmallRun { run in
            try run.complete("run", Self.short)
            try body(run)
        }
    }

    func testPathsThatCannotBeWrittenAreRefusedBeforeTheEvaluation() throws {
        try withTrainedRun { run in
            try FileManager.default.createDirectory(atPath: run.path("folder"), withIntermediateDirectories: true)
            let cases = [
                (["--predictions", run.path("none/p.csv")], "/none does not exist; create it"),
                (["--predictions", run.path("folder")], "it is a folder"),
                (["--predictions", run.path("p.csv/")], "not the path of a file"),
                (["--predictions", "/proc/p.csv"], "/proc/p.csv: cannot write the file"),
                (["--predictions", run.configuration + "/p.csv"], "Not a directory"), (["--curve", run.configuration], "File exists"),
                (["--curve", "/proc/curve"], "/proc/curve: cannot create the folder"),
            ]
            for (options, reason) in cases {
                let result = try run.drnet(["evaluate", run.path("run")] + options)
                XCTAssertEqual(result.status, 1, "\(options): \(result.text)")
                XCTAssertTrue(
                    result.errors.hasPrefix("drnet: error: \(options[1].hasSuffix("/") ? String(options[1].dropLast()) : options[1])"),
                    result.text)
                XCTAssertTrue(result.errors.contains(reason), result.text)
                XCTAssertFalse(result.output.contains("top-1"), "it was evaluated first: \(result.text)")
                XCTAssertEqual(result.errors.split(separator: "\n").count, 1, result.text)
            }
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: run.path("folder")), [])
        }
    }

    func testRelativePathsAreThoseOfTheCaller() throws {
        try withTrainedRun { run in
            try FileManager.default.createDirectory(atPath: run.path("own"), withIntermediateDirectories: true)
            let result = try ProcessRunner.run(
                try builtExecutable(named: "drnet"), ["evaluate", "../run", "--predictions", "p.csv", "--curve", "new/curve"],
                environment: ["DRNET_THREADS": "1"], folder: run.path("own"), timeout: 60)
            XCTAssertEqual(result.status, 0, result.text)
            for file in ["p.csv", "new/curve/curve.svg"] {
                XCTAssertTrue(FileManager.default.fileExists(atPath: run.path("own/\(file)")), file)
            }
        }
    }

    func testPredictionsCanBeADeviceOrALink() throws {
        try withTrainedRun { run in
            try "old".write(toFile: run.path("target.csv"), atomically: true, encoding: .utf8)
            try FileManager.default.createSymbolicLink(atPath: run.path("link.csv"), withDestinationPath: "target.csv")
            for path in ["/dev/null", run.path("link.csv")] {
                let result = try run.drnet(["evaluate", run.path("run"), "--predictions", path])
                XCTAssertEqual(result.status, 0, result.text)
            }
            var status = stat()
            XCTAssertEqual(stat("/dev/null", &status), 0)
            XCTAssertEqual(status.st_mode & S_IFMT, S_IFCHR, "/dev/null was replaced")
            XCTAssertEqual(lstat(run.path("link.csv"), &status), 0)
            XCTAssertEqual(status.st_mode & S_IFMT, S_IFLNK, "the link was replaced")
            XCTAssertTrue(try String(contentsOfFile: run.path("target.csv"), encoding: .utf8).hasPrefix("path,class"))
        }
    }

    func testAFailureToSaveTheTableKeepsPredictionsAndTable() throws {
        try withTrainedRun { run in
            // A file cannot replace a folder.
            try FileManager.default.removeItem(atPath: run.path("run/evaluation.json"))
            try FileManager.default.createDirectory(atPath: run.path("run/evaluation.json"), withIntermediateDirectories: true)
            for ranks in [nil, 2] {
                let result = try run.drnet(["evaluate", run.path("run"), "--predictions", run.path("p.csv")], ranks: ranks)
                XCTAssertEqual(result.status, 1, result.text)
                XCTAssertTrue(result.output.contains("top-1"), result.text)
                let reports = result.errors.split(separator: "\n").filter { $0.contains("drnet: error: ") }
                XCTAssertEqual(reports.count, 1, result.text)
                XCTAssertTrue(reports.first?.contains("evaluation.json") ?? false, result.text)
                let predictions = try String(contentsOfFile: run.path("p.csv"), encoding: .utf8)
                XCTAssertEqual(predictions.split(separator: "\n").count, 25)
                try FileManager.default.removeItem(atPath: run.path("p.csv"))
            }
        }
    }

    func testAReadOnlyRunFolderIsEvaluatedWithAWarning() throws {
        try withTrainedRun { run in
            let executable = try builtExecutable(named: "drnet")
            // The superuser can write everywhere, so the command runs as another user, without a home.
            var command = [executable, "evaluate", run.path("run")]
            if getuid() == 0 { command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] + command }
            chmod(run.folder, 0o755)
            chmod(run.path("run"), 0o555)
            defer { chmod(run.path("run"), 0o755) }
            // Neither pretrained files nor a cache are needed.
            let result = try ProcessRunner.run(
                "/usr/bin/env", command, environment: ["DRNET_THREADS": "1", "HOME": "/nowhere", "XDG_CACHE_HOME": ""], timeout: 60)
            try XCTSkipIf(result.errors.contains(executable), "another user cannot run \(executable): \(result.errors)")
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(result.output.contains("top-1"), result.text)
            XCTAssertTrue(result.errors.hasPrefix("warning: the results are not saved in \(run.path("run"))"), result.text)
            XCTAssertEqual(result.errors.split(separator: "\n").count, 1, result.text)
        }
    }
}
