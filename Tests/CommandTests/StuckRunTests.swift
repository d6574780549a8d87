import Foundation
import TestSupport
import XCTest

/// Trainings with ranks that are stopped, suspended, slow or killed.
final class StuckRunTests: XCTestCase {
    /// Long enough that the tests disturb the run before its end. Few collectives, which are slow if other programs use the cores.
    private let long = ["--set", "stages.fineTune.epochs=12", "--set", "batchNorm.mode=local"]

    /// Options with a short limit.
    private func limit(_ seconds: Int) -> [String] { ["--set", "communication.timeoutSeconds=\(seconds)"] }

    /// Returns a closure that calls `body` with the ranks once, when the run has some steps and the heartbeats say so: the first ones are a
    /// second apart.
    private func once(_ run: SmallRun, _ name: String, _ body: @escaping ([pid_t]) -> Void) -> (Process) -> Void {
        var (start, isDone) = (Date?.none, false)
        return { process in
            guard !isDone, run.lastStep(name) >= 8 else { return }
            let since = start ?? Date()
            start = since
            guard Date().timeIntervalSince(since) > 1.2 else { return }
            isDone = true
            body(ProcessRunner.children(of: process.processIdentifier))
        }
    }

    private func crashes(_ run: SmallRun, _ name: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: run.path(name) + "/crashes")) ?? []).sorted()
    }

    func testAStoppedRankIsNamedOnceWithItsStepAndTheRunContinuesExactly() throws {
        try withSmallRun { run in
            try run.complete("whole", ranks: 2, long)
            XCTAssertEqual(crashes(run, "whole"), [], "a run that ends well leaves no records")
            let result = try run.train("run", ranks: 2, long + limit(3), whileRunning: once(run, "run") { kill($0.last ?? 0, SIGSTOP) })
            XCTAssertEqual(result.status, 69, result.text)
            let errors = result.text.split(separator: "\n").filter { $0.contains("drnet: error: ") }
            XCTAssertEqual(errors.count, 1, result.text)
            let error = String(errors.first ?? "")
            let steps = error.split(separator: " ").enumerated().filter { $1 == "step" }.count
            XCTAssertTrue(error.contains("rank 1 on ") || error.contains("rank 0 on "), error)
            XCTAssertTrue(error.contains("its process is stopped, as by SIGSTOP"), error)
            XCTAssertGreaterThan(steps, 0, "the message has the step: \(error)")
            // On a busy machine, the rank can be stopped in an evaluation.
            XCTAssertTrue(error.contains("epoch ") || error.contains("the evaluation after step "), error)
            XCTAssertFalse(crashes(run, "run").isEmpty, "the ranks that waited leave records")
            let resumed = try run.train("run", ranks: 2, long + ["--resume"])
            XCTAssertEqual(resumed.status, 0, resumed.text)
            XCTAssertTrue(resumed.output.contains("the last start ended with a crash: rank "), resumed.text)
            XCTAssertEqual(crashes(run, "run"), ["earlier.jsonl"])
            XCTAssertTrue(try run.weights("whole") == run.weights("run"))
        }
    }

    /// A rank waits for its mpirun in MPI_Finalize. With several ranks, they watch each other.
    func testAStoppedMpirunDoesNotKeepItsRanks() throws {
        try withSmallRun { run in
            for ranks in [1, 2] {
                let name = "run-\(ranks)"
                let result = try run.train(name, ranks: ranks, limit(4), environment: ["DRNET_START_TIMEOUT": "4"]) { process in
                    if run.lastStep(name) >= 4 { kill(process.processIdentifier, SIGSTOP) }
                }
                XCTAssertFalse(result.timedOut, result.text)
                // mpirun, which forwards messages, is stopped. The record is in the run folder.
                let file = try XCTUnwrap(crashes(run, name).first, result.text)
                let record = try String(contentsOfFile: run.path(name) + "/crashes/" + file, encoding: .utf8)
                XCTAssertTrue(record.contains("MPI_Finalize"), record)
                if ranks == 1 { XCTAssertTrue(record.contains("after 4 s: its launcher, process "), record) }
                XCTAssertEqual(run.losses(name).count, 25, "the run is complete")
            }
        }
    }

    /// Then ranks also wait for each other inside of a forward or backward pass.
    func testAStoppedRankWithGlobalBatchNormIsNamedOnceAndTheRunContinuesExactly() throws {
        try withSmallRun { run in
            let options = ["--set", "stages.fineTune.epochs=20", "--set", "batchNorm.mode=global"]
            try run.complete("whole", ranks: 2, options)
            let result = try run.train("run", ranks: 2, options + limit(3), whileRunning: once(run, "run") { kill($0.last ?? 0, SIGSTOP) })
            XCTAssertEqual(result.status, 69, result.text)
            let errors = result.text.split(separator: "\n").filter { $0.contains("drnet: error: ") }
            XCTAssertEqual(errors.count, 1, result.text)
            let error = String(errors.first ?? "")
            XCTAssertTrue(error.contains("rank 1 on ") || error.contains("rank 0 on "), error)
            XCTAssertTrue(error.contains("its process is stopped, as by SIGSTOP"), error)
            // The rank can be stopped inside of a collective: "in MPI_Allreduce (…) of step 17".
            XCTAssertTrue(error.contains(" step "), error)
            let resumed = try run.train("run", ranks: 2, options + ["--resume"])
            XCTAssertEqual(resumed.status, 0, resumed.text)
            XCTAssertTrue(try run.weights("whole") == run.weights("run"))
        }
    }

    func testASuspendedRunGoesOnAndEndsAsIfNothingHadHappened() throws {
        try withSmallRun { run in
            try run.complete("whole", ranks: 2, long)
            var resumeAt: Date?
            var suspensions = 0
            let result = try run.train("run", ranks: 2, long + limit(3)) { process in
                let ranks = ProcessRunner.children(of: process.processIdentifier)
                if let end = resumeAt {
                    guard Date() > end else { return }
                    ranks.forEach { kill($0, SIGCONT) }
                    (resumeAt, suspensions) = (nil, suspensions + 1)
                } else if suspensions == 0, run.lastStep("run") >= 4 {
                    ranks.forEach { kill($0, SIGSTOP) }
                    resumeAt = Date().addingTimeInterval(8)
                }
            }
            XCTAssertEqual(suspensions, 1)
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(try run.weights("whole") == run.weights("run"))
        }
    }

    func testAFatalSignalLeavesARecordAndTheNextStartReportsIt() throws {
        try withSmallRun { run in
            for ranks in [nil, 2] as [Int?] {
                let name = "run-\(ranks ?? 0)"
                let result = try run.train(name, ranks: ranks, long) { process in
                    guard run.lastStep(name) >= 8, self.crashes(run, name).isEmpty else { return }
                    kill(
                        ranks == nil ? process.processIdentifier : ProcessRunner.children(of: process.processIdentifier).last ?? 0, SIGSEGV)
                }
                XCTAssertNotEqual(result.status, 0, result.text)
                XCTAssertEqual(crashes(run, name).count, 1, result.text)
                let resumed = try run.train(name, ranks: ranks, long + ["--resume"])
                XCTAssertEqual(resumed.status, 0, resumed.text)
                XCTAssertTrue(resumed.output.contains("SIGSEGV"), resumed.text)
                XCTAssertTrue(resumed.output.contains("computing in step ") || resumed.output.contains("in step "), resumed.text)
                XCTAssertEqual(crashes(run, name), ["earlier.jsonl"])
            }
        }
    }

    /// The limit of the configuration does not hold before all ranks have read it.
    func testARankThatCannotReadItsConfigurationIsNamedInTime() throws {
        try withSmallRun { run in
            for folder in ["one", "two"] {
                try FileManager.default.createDirectory(atPath: run.path(folder), withIntermediateDirectories: true)
            }
            try FileManager.default.copyItem(atPath: run.configuration, toPath: run.path("one/run.yaml"))
            // Nobody writes into the pipe.
            XCTAssertEqual(mkfifo(run.path("two/run.yaml"), 0o600), 0)
            let arguments = ["train", "run.yaml", "-o", run.path("run")]
            let result = try run.drnet(
                ranks: ["one", "two"].map { (run.path($0), arguments) }, environment: ["DRNET_START_TIMEOUT": "4"])
            XCTAssertFalse(result.timedOut, result.text)
            XCTAssertEqual(result.status, 69, result.text)
            XCTAssertTrue(result.errors.contains("rank 1 on "), result.text)
            XCTAssertTrue(result.errors.contains("rank 0 waits in "), result.text)
        }
    }

    func testASlowDiskDelaysACheckpointAndDoesNotEndTheRun() throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/strace") else {
            throw XCTSkip("SKIPPED: a slow disk is simulated by strace, which is not installed (apt-get install strace)")
        }
        try withSmallRun { run in
            /// Rank 0 needs eight seconds for each of some calls of fsync, which are those of a checkpoint.
            func train(_ name: String, saveSeconds: Int) throws -> ProcessRunner.Result {
                let executable = try builtExecutable(named: "drnet")
                let command =
                    [executable, "train", run.configuration, "-o", run.path(name)] + limit(5)
                    + ["--set", "communication.saveTimeoutSeconds=\(saveSeconds)", "--set", "checkpoints.everySteps=3"]
                let strace = [
                    "/usr/bin/strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync", "-e",
                    "inject=fsync:delay_enter=8000000:when=12..13",
                ]
                let root = getuid() == 0 ? ["--allow-run-as-root"] : []
                return try ProcessRunner.run(
                    "/usr/bin/env",
                    ["mpirun", "--oversubscribe", "--bind-to", "none"] + root + ["-n", "1"] + strace + command + [":", "-n", "1"] + command,
                    environment: ["DRNET_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"], timeout: 200)
            }
            let result = try train("run", saveSeconds: 60)
            XCTAssertEqual(result.status, 0, result.text)
            let limited = try train("limited", saveSeconds: 4)
            XCTAssertEqual(limited.status, 69, limited.text)
            XCTAssertTrue(limited.errors.contains("saving to the run folder in step "), limited.text)
        }
    }
}
