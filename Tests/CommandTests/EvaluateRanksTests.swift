import Foundation
import TestSupport
import XCTest

/// Tests `drnet evaluate` with several ranks.
final class EvaluateRanksTests: XCTestCase {
    func testAllRanksUseTheCheckpointOfRankZero() throws {
        try withSmallRun { run in
            try run.complete("whole")
            // Simulates two hosts with different views of one folder: rank 1 sees later checkpoints.
            for host in ["a", "b"] {
                try FileManager.default.createDirectory(atPath: run.path(host), withIntermediateDirectories: true)
            }
            try FileManager.default.copyItem(atPath: run.path("whole"), toPath: run.path("b/run"))
            try run.cut("whole", to: "a/run", afterStep: SmallRun.stepsPerEpoch)
            let alone = try run.drnet(["evaluate", run.path("a/run"), "--predictions", run.path("alone.csv")])
            XCTAssertEqual(alone.status, 0, alone.text)
            let evaluate = [try builtExecutable(named: "drnet"), "evaluate", "run", "--predictions", run.path("ranks.csv")]
            let root = getuid() == 0 ? ["--allow-run-as-root"] : []
            let ranks = Array(["a", "b"].map { ["-n", "1", "-wdir", run.path($0)] + evaluate }.joined(separator: [":"]))
            let result = try ProcessRunner.run(
                "/usr/bin/env", ["mpirun", "--oversubscribe", "--bind-to", "none"] + root + ranks,
                environment: ["DRNET_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"], timeout: 60)
            XCTAssertEqual(result.status, 0, result.text)
            let files = try ["alone", "ranks"].map { try String(contentsOfFile: run.path("\($0).csv"), encoding: .utf8) }
            XCTAssertEqual(files[0], files[1])
            let whole = try run.drnet(["evaluate", run.path("whole"), "--predictions", run.path("whole.csv")])
            XCTAssertEqual(whole.status, 0, whole.text)
            XCTAssertNotEqual(
                files[0], try String(contentsOfFile: run.path("whole.csv"), encoding: .utf8), "the two checkpoints predict the same")
        }
    }

    func testOnlyRankZeroNeedsTheCheckpoint() throws {
        try withSmallRun { run in
            try run.complete("run", ["--set", "stages.warmUp=null", "--set", "stages.fineTune.epochs=1"])
            // Simulates a host whose view of the folder is old: it has the configuration, and no checkpoint yet.
            try FileManager.default.createDirectory(atPath: run.path("old/run"), withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: run.path("run/config.yaml"), toPath: run.path("old/run/config.yaml"))
            let result = try run.drnet(ranks: [(run.folder, ["evaluate", "run"]), (run.path("old"), ["evaluate", "run"])])
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(result.output.contains("24 validation images"), result.text)
        }
    }

    func testASlowRankDelaysTheOthersButIsNotKilled() throws {
        try withSmallRun(validationImages: 2000) { run in
            // `evaluate` reads these from the run's configuration.
            let options = [
                "communication.timeoutSeconds=2", "evaluation.batchSize=1", "stages.warmUp=null", "stages.fineTune.epochs=1",
                "stages.recalibrate=null",
            ]
            try run.complete("run", options.flatMap { ["--set", $0] })
            let start = Date()
            var isStopped = false
            var lastChange = Date()
            var slow: pid_t?
            let result = try run.drnet(["evaluate", run.path("run")], ranks: 2) { process in
                // Always the same rank: one that is stopped while another appears would never continue.
                let ranks = ProcessRunner.children(of: process.processIdentifier)
                slow = slow ?? (ranks.count == 2 ? ranks.last : nil)
                guard let slow else { return }
                // The process is stopped for 0.4 s, then runs for 0.1 s, repeatedly.
                guard Date().timeIntervalSince(lastChange) > (isStopped ? 0.4 : 0.1) else { return }
                isStopped.toggle()
                kill(slow, isStopped ? SIGSTOP : SIGCONT)
                lastChange = Date()
            }
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertGreaterThan(Date().timeIntervalSince(start), 4, "the slow rank was too fast for this test")
            XCTAssertTrue(result.output.contains("2000 validation images"), result.text)
        }
    }
}
