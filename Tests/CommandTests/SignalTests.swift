import Foundation
import TestSupport
import XCTest

/// Tests signals that stop a run. The run writes a checkpoint and ends with status 75. When it is resumed, it ends like an uninterrupted
/// run.
final class SignalTests: XCTestCase {
    func testASignalWritesACheckpointAndEndsWithStatus75() throws {
        try withSmallRun { run in
            let options = ["--set", "checkpoints.everySteps=0", "--set", "stages.fineTune.epochs=20"]
            try run.complete("whole", options)
            for signal in [SIGTERM, SIGUSR1] {
                let name = "stopped-\(signal)"
                let result = try run.train(name, options, whileRunning: once({ run.lastStep(name) >= 8 }) { kill($0, signal) })
                try checkStopped(result, run, name)
                try run.complete(name, options + ["--resume"])
                XCTAssertTrue(try run.weights("whole") == run.weights(name), name)
                XCTAssertEqual(run.milestones("whole"), run.milestones(name))
            }
        }
    }

    func testMpirunForwardsSIGUSR1AndASignalToOneRankStopsAllRanks() throws {
        try withSmallRun { run in
            let options = ["--set", "checkpoints.everySteps=0", "--set", "stages.fineTune.epochs=40"]
            let ways: [(name: String, send: (pid_t) -> Void)] = [
                ("all", { kill($0, SIGUSR1) }), ("one", { kill(ProcessRunner.children(of: $0).last ?? $0, SIGTERM) }),
            ]
            for (name, send) in ways {
                let result = try run.train(name, ranks: 2, options, whileRunning: once({ run.lastStep(name) >= 8 }, send))
                try checkStopped(result, run, name)
            }
        }
    }

    func testTheLauncherForwardsSignalsToAllRanks() throws {
        try withSmallRun { run in
            let options = ["--set", "checkpoints.everySteps=0", "--set", "stages.fineTune.epochs=40"]
            for signal in [SIGTERM, SIGUSR1, SIGHUP] {
                let name = "stopped-\(signal)"
                let result = try launch(run, name, options) { kill($0, signal) }
                try checkStopped(result, run, name)
                try run.complete(name, ranks: 2, options + ["--resume"])
            }
        }
    }

    /// Sends the signal to every process of the group, like a terminal.
    func testControlCWritesACheckpointToo() throws {
        try withSmallRun { run in
            let result = try launch(run, "stopped", ["--set", "checkpoints.everySteps=0", "--set", "stages.fineTune.epochs=40"]) {
                process in
                XCTAssertEqual(getpgid(process), process, "the launcher leads a group")
                kill(-process, SIGINT)
            }
            try checkStopped(result, run, "stopped")
        }
    }

    /// Runs launch/train with two ranks, and sends a signal after some steps. It does not use a background job of a shell, because its
    /// processes would inherit that SIGINT is ignored.
    private func launch(_ run: SmallRun, _ name: String, _ options: [String], _ signal: @escaping (pid_t) -> Void) throws
        -> ProcessRunner.Result
    {
        try ProcessRunner.run(
            "/usr/bin/env",
            ["--default-signal=INT", "bash", repositoryRoot + "/launch/train", run.configuration, "-o", run.path(name)] + options,
            environment: ["RANKS": "2", "DRNET": try builtExecutable(named: "drnet")], timeout: 60,
            whileRunning: once({ run.lastStep(name) >= 8 }, signal))
    }

    func testASignalEndsAnEvaluation() throws {
        try withSmallRun(validationImages: 600) { run in
            // Training has few steps, and evaluation is long.
            let options = ["stages.fineTune.epochs=1", "evaluation.batchSize=1", "checkpoints.everySteps=0"].flatMap { ["--set", $0] }
            for ranks in [nil, 2] as [Int?] {
                let (whole, name) = ("whole-\(ranks ?? 0)", "stopped-\(ranks ?? 0)")
                try run.complete(whole, ranks: ranks, options)
                let last = SmallRun.stepsPerEpoch
                let result = try run.train(
                    name, ranks: ranks, options, whileRunning: once({ run.lastStep(name) == last }) { kill($0, SIGUSR1) })
                try checkStopped(result, run, name)
                XCTAssertEqual(run.lastStep(name), last, result.text)
                XCTAssertFalse(result.output.contains("validation:"), result.text)
                XCTAssertEqual(run.milestones(name), [])
                try run.complete(name, ranks: ranks, options + ["--resume"])
                XCTAssertTrue(try run.weights(whole) == run.weights(name), name)
                XCTAssertEqual(run.milestones(whole), run.milestones(name))
            }
        }
    }

    func testASignalEndsARecalibration() throws {
        try withSmallRun(trainingImages: 1200) { run in
            let options = ["stages.warmUp=null", "stages.recalibrate.batches=1200", "stages.fineTune=null", "optimizer.batchSize=1"]
                .flatMap { ["--set", $0] }
            for ranks in [nil, 2] as [Int?] {
                let name = "stopped-\(ranks ?? 0)"
                let begins = { FileManager.default.fileExists(atPath: run.path(name) + "/environment.json") }
                let result = try run.train(name, ranks: ranks, options, whileRunning: once(begins) { kill($0, SIGUSR1) })
                XCTAssertEqual(result.status, 75, result.text)
                XCTAssertFalse(result.output.contains("recalibrated"), result.text)
                XCTAssertEqual(run.checkpoints(name).map { String($0.suffix(14)) }, ["step-000000000"])
                try run.complete(name, ranks: ranks, options + ["--resume"])
                XCTAssertEqual(run.milestones(name), ["evaluation recalibrate 1", "evaluation final 1"])
            }
        }
    }

    /// Returns a closure that calls `body` with the process once, as soon as a condition holds.
    private func once(_ condition: @escaping () -> Bool, _ body: @escaping (pid_t) -> Void) -> (Process) -> Void {
        var isDone = false
        return { process in
            guard !isDone, condition() else { return }
            body(process.processIdentifier)
            isDone = true
        }
    }

    private func checkStopped(_ result: ProcessRunner.Result, _ run: SmallRun, _ name: String) throws {
        XCTAssertEqual(result.status, 75, result.text)
        let last = run.lastStep(name)
        XCTAssertTrue(run.checkpoints(name).last?.hasSuffix("0\(last)") ?? false, "\(run.checkpoints(name)) after step \(last)")
    }
}
