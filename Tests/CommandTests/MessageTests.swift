import Foundation
import TestSupport
import XCTest

/// Tests what the command reports: which prefix, how often, and in which order.
final class MessageTests: XCTestCase {
    private func drnet(_ arguments: [String], ranks: Int? = nil, _ environment: [String: String] = [:]) throws -> ProcessRunner.Result {
        let executable = try builtExecutable(named: "drnet")
        guard let ranks else { return try ProcessRunner.run(executable, arguments, environment: environment, timeout: 60) }
        return try ProcessRunner.mpirun(ranks: ranks, executable, arguments, environment: environment, timeout: 60)
    }

    /// The lines of the command itself; mpirun adds others when a rank ends with an error.
    private func errors(_ result: ProcessRunner.Result) -> [String] {
        result.errors.split(separator: "\n").map(String.init).filter { $0.contains("drnet: ") || $0.contains("warning: ") }
    }

    /// Runs a command of a shell.
    private func shell(_ text: String, folder: String? = nil) throws -> ProcessRunner.Result {
        try ProcessRunner.run(
            "/bin/bash", ["-c", text], environment: ["DRNET": try builtExecutable(named: "drnet"), "DRNET_THREADS": "1"], folder: folder,
            timeout: 60)
    }

    // MARK: - Prefix

    func testEveryErrorHasOnePrefix() throws {
        try withTemporaryFolder { folder in
            let yaml = folder + "/bad.yaml"
            try "resolutions: [32, 64]\nseeds: 1\n".write(toFile: yaml, atomically: true, encoding: .utf8)
            let several = try drnet(["info", yaml])
            XCTAssertEqual(several.status, 1, several.text)
            XCTAssertGreaterThan(errors(several).count, 2, several.text)
            let cases = [
                several, try drnet(["train", folder + "/none.yaml"]), try drnet(["evaluate", folder]), try drnet(["study", folder]),
                try drnet(["predict", "--run", folder, "photo.jpg"]),
            ]
            for result in cases {
                XCTAssertEqual(result.status, 1, result.text)
                XCTAssertFalse(result.errors.isEmpty)
                for line in result.errors.split(separator: "\n") { XCTAssertTrue(line.hasPrefix("drnet: error: "), result.text) }
                XCTAssertFalse(
                    result.text.contains("Cocoa") || result.text.contains("doesn’t") || result.text.contains("Domain="), result.text)
            }
        }
    }

    func testAWrongCommandLineShowsTheUsageAndEndsWith64() throws {
        for (arguments, problem) in [
            (["train"], "Missing expected argument"), (["train", "a", "--nosuch"], "Unknown option"), (["tarin"], ""),
            (["train", "a", "-o", ""], "--run-folder is empty"),
        ] {
            let result = try drnet(arguments)
            XCTAssertEqual(result.status, 64, result.text)
            XCTAssertTrue(result.errors.hasPrefix("drnet: error: \(problem)"), result.text)
            XCTAssertTrue(result.errors.contains("Usage: drnet"), result.text)
            XCTAssertFalse(result.errors.contains("Error: "), result.text)
            XCTAssertEqual(result.output, "")
        }
    }

    func testHelpAndVersionAreResults() throws {
        for arguments in [["--help"], ["train", "--help"], ["--version"], []] {
            let result = try drnet(arguments)
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertFalse(result.output.isEmpty)
            XCTAssertEqual(result.errors, "")
        }
        let ranks = try drnet(["--version"], ranks: 3)
        XCTAssertEqual(ranks.status, 0, ranks.text)
        XCTAssertEqual(ranks.output, try drnet(["--version"]).output)
    }

    // MARK: - Ranks

    func testAProblemOfAllRanksIsReportedOnce() throws {
        try withTemporaryFolder { folder in
            let missing = folder + "/none.yaml"
            let result = try drnet(["train", missing, "-o", folder + "/run"], ranks: 3)
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertEqual(errors(result).count, 1, result.text)
            XCTAssertTrue(errors(result)[0].hasPrefix("drnet: error: \(missing): "), result.text)
            XCTAssertFalse(result.text.contains("MPI_ABORT"), result.text)
            XCTAssertFalse(FileManager.default.fileExists(atPath: folder + "/run"))
            let threads = try drnet(["train", missing], ranks: 2, ["DRNET_THREADS": "none"])
            XCTAssertEqual(errors(threads).count, 1, threads.text)
            let usage = try drnet(["train"], ranks: 3)
            XCTAssertEqual(usage.status, 64, usage.text)
            XCTAssertEqual(errors(usage).filter { $0.hasPrefix("drnet: error: ") }.count, 1, usage.text)
            XCTAssertEqual(usage.errors.components(separatedBy: "Usage: ").count, 2, usage.text)
        }
    }

    func testProblemsOfDataAndPretrainedFilesAreReportedOnce() throws {
        try withSmallRun { run in
            for setting in ["data.folder=\(run.folder)/none", "classifier.pretrained=\(run.folder)/none.safetensors"] {
                let result = try run.train("run", ranks: 2, ["--set", setting])
                XCTAssertEqual(result.status, 1, result.text)
                XCTAssertEqual(errors(result).filter { $0.contains("error: ") }.count, 1, result.text)
                XCTAssertTrue(errors(result).contains { $0.hasPrefix("drnet: error: \(run.folder)/none") }, result.text)
                XCTAssertFalse(result.text.contains("MPI_ABORT"), result.text)
                try? FileManager.default.removeItem(atPath: run.path("run"))
            }
        }
    }

    /// Trains with three ranks. Rank 0 runs in the folder of the run, and ranks 1 and 2 in another one, as on a host with other files.
    private func train(_ run: SmallRun, others folder: String) throws -> ProcessRunner.Result {
        let rank = [try builtExecutable(named: "drnet"), "train", "run.yaml", "-o", run.path("run")]
        let root = getuid() == 0 ? ["--allow-run-as-root"] : []
        let ranks = ["-n", "1", "-wdir", run.folder] + rank + [":", "-n", "2", "-wdir", folder] + rank
        return try ProcessRunner.run(
            "/usr/bin/env", ["mpirun", "--oversubscribe", "--bind-to", "none"] + root + ranks, environment: ["DRNET_THREADS": "1"],
            timeout: 60)
    }

    func testAProblemOfSomeRanksNamesThem() throws {
        try withSmallRun { run in
            let result = try train(run, others: "/")
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertEqual(errors(result).count, 1, result.text)
            let host = ProcessInfo.processInfo.hostName
            XCTAssertTrue(errors(result)[0].hasPrefix("drnet: error: ranks 1–2 on \(host): run.yaml: "), result.text)
        }
    }

    func testRanksWithDifferentConfigurationsAreRefused() throws {
        try withSmallRun { run in
            try FileManager.default.createDirectory(atPath: run.path("other"), withIntermediateDirectories: true)
            let text = try String(contentsOfFile: run.configuration, encoding: .utf8)
            try text.replacingOccurrences(of: "base: 0.02", with: "base: 0.03")
                .write(toFile: run.path("other/run.yaml"), atomically: true, encoding: .utf8)
            let result = try train(run, others: run.path("other"))
            XCTAssertEqual(result.status, 1, result.text)
            let host = ProcessInfo.processInfo.hostName
            let message =
                "drnet: error: the ranks differ in the configuration: stages.warmUp.learningRate.base is 0.03 on ranks 1–2 on \(host), "
                + "but 0.02 on rank 0 on \(host)"
            XCTAssertEqual(errors(result).filter { $0.hasPrefix(message) }.count, 1, result.text)
            XCTAssertFalse(FileManager.default.fileExists(atPath: run.path("run")))
        }
    }

    func testAFailureThatAllRanksHaveInTrainingIsReportedOnce() throws {
        try withSmallRun { run in
            let result = try run.train("run", ranks: 2, ["--set", "stages.warmUp.learningRate.base=1e30"])
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertEqual(errors(result).filter { $0.hasPrefix("drnet: error: training diverged at step") }.count, 1, result.text)
            XCTAssertFalse(result.text.contains("MPI_ABORT"), result.text)
        }
    }

    // MARK: - Standard output

    func testTheCoreMapComesBeforeProgressInAFile() throws {
        try withSmallRun { run in
            let result = try shell("\"$DRNET\" train run.yaml -o run > out.txt", folder: run.folder)
            XCTAssertEqual(result.status, 0, result.text)
            let lines = try String(contentsOfFile: run.path("out.txt"), encoding: .utf8).components(separatedBy: "\n")
            func index(_ part: String) throws -> Int { try XCTUnwrap(lines.firstIndex { $0.contains(part) }, "no '\(part)' in \(lines)") }
            XCTAssertEqual(try index("a rank"), 0)
            let order = try [index("a rank"), index("products: "), index("training and"), index("validation: "), index("run folder: ")]
            XCTAssertEqual(order, order.sorted())
        }
    }

    func testAClosedPipeEndsACommandQuietly() throws {
        try withSmallRun { run in
            try run.complete(
                "run", ["--set", "stages.warmUp=null", "--set", "stages.recalibrate=null", "--set", "stages.fineTune.epochs=1"])
            let commands = [
                "info run.yaml", "predict --run run data/val/*/*", "evaluate run --predictions all.csv", "--help", "train --help",
            ]
            for command in commands {
                // The reader has gone before the first line.
                let result = try shell("{ sleep 0.2; \"$DRNET\" \(command); echo \"status $?\" >&2; } | true", folder: run.folder)
                XCTAssertEqual(result.errors, "status 0\n", command)
            }
            XCTAssertTrue(FileManager.default.fileExists(atPath: run.path("all.csv")))
        }
    }

    func testAFullDiskIsAnErrorOfACommandThatPrintsAResult() throws {
        try withSmallRun { run in
            try run.complete(
                "run", ["--set", "stages.warmUp=null", "--set", "stages.recalibrate=null", "--set", "stages.fineTune.epochs=1"])
            for command in ["info run.yaml", "predict --run run data/val/*/*", "evaluate run --predictions all.csv", "--help"] {
                let result = try shell("\"$DRNET\" \(command) > /dev/full", folder: run.folder)
                XCTAssertEqual(result.status, 1, command)
                XCTAssertEqual(result.errors, "drnet: error: standard output cannot be written: No space left on device\n", command)
            }
            XCTAssertTrue(FileManager.default.fileExists(atPath: run.path("all.csv")), "evaluate keeps the predictions")
        }
    }

    func testInfoSaysWhyItDoesNotCountTheClasses() throws {
        try withSmallRun { run in
            let missing = try run.drnet(["info", run.configuration, "--set", "data.folder=\(run.folder)/none"])
            XCTAssertEqual(missing.status, 0, missing.text)
            XCTAssertTrue(missing.output.contains("\(run.folder)/none does not exist: using 1000 classes"), missing.text)
            try FileManager.default.createDirectory(atPath: run.folder + "/empty", withIntermediateDirectories: true)
            let empty = try run.drnet(["info", run.configuration, "--set", "data.folder=\(run.folder)/empty"])
            XCTAssertEqual(empty.status, 0, empty.text)
            XCTAssertFalse(empty.text.contains("does not exist"), empty.text)
            XCTAssertTrue(
                empty.errors.hasPrefix("warning: \(run.folder)/empty: ") && empty.errors.contains("using 1000 classes"), empty.text)
        }
    }
}
