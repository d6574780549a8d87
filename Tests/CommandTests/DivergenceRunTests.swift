import Foundation
import TestSupport
import XCTest

/// Tests runs whose loss becomes useless, and runs that go back to a checkpoint from before.
final class DivergenceRunTests: XCTestCase {
    private let warmUpOnly = ["stages.fineTune=null", "stages.recalibrate=null"].flatMap { ["--set", $0] }

    func testASkippedStepNamesRankAndImagesAndChangesNothing() throws {
        try withSmallRun { run in
            let fault = ["DRNET_TEST_FAULT": "loss:1:4-5"]
            let result = try run.train("run", ranks: 2, warmUpOnly, environment: fault)
            XCTAssertEqual(result.status, 0, result.text)
            let events = run.records("run").filter { $0.kind == "event" }
            XCTAssertEqual(events.map(\.step), [4, 5], "\(events)")
            let host = ProcessInfo.processInfo.hostName
            for event in events {
                XCTAssertTrue(event.message?.contains("it is not finite on rank 1 on \(host) (images train/") ?? false, "\(event)")
            }
            XCTAssertEqual(run.losses("run").keys.sorted(), [1, 2, 3, 6, 7, 8, 9, 10])
            XCTAssertTrue(run.ledgers("run").allSatisfy { $0.hasSuffix("each exactly once") }, "\(run.ledgers("run"))")
            // The checkpoint of step 3 is from before the skipped steps, that of step 5 from after them.
            for step in [3, 5] {
                try run.cut("run", to: "resumed-\(step)", afterStep: step)
                let resumed = try run.train("resumed-\(step)", ranks: 2, warmUpOnly + ["--resume"], environment: fault)
                XCTAssertEqual(resumed.status, 0, resumed.text)
                XCTAssertTrue(try run.weights("run") == run.weights("resumed-\(step)"))
                XCTAssertEqual(run.losses("run"), run.losses("resumed-\(step)"))
            }
        }
    }

    /// Rank 0 has the sums of all ranks there.
    func testASkippedStepOfADeterministicRunNamesTheRank() throws {
        try withSmallRun { run in
            let options = warmUpOnly + ["deterministic=true", "kernels.products=tiles"].flatMap { ["--set", $0] }
            for rank in [0, 1] {
                let fault = ["DRNET_TEST_FAULT": "loss:\(rank):4"]
                let result = try run.train("run-\(rank)", ranks: 2, options, environment: fault)
                XCTAssertEqual(result.status, 0, result.text)
                let messages = run.records("run-\(rank)").filter { $0.kind == "event" }.map { $0.message ?? "" }
                XCTAssertEqual(messages.count, 1, "\(messages)")
                XCTAssertTrue(messages.allSatisfy { $0.contains("it is not finite on rank \(rank) on ") }, "\(messages)")
                XCTAssertFalse(messages.contains { $0.contains("rank \(1 - rank)") }, "\(messages)")
            }
        }
    }

    func testASkippedStepLeavesWeightsStatisticsAndMomentumAsTheyWere() throws {
        try withSmallRun { run in
            // Checkpoints after the steps 3 and 5. The fault skips the steps 4 and 5.
            let options = warmUpOnly + ["--set", "stages.warmUp.epochs=1"]
            let result = try run.train("run", options, environment: ["DRNET_TEST_FAULT": "gradient:0:4-5"])
            XCTAssertEqual(result.status, 0, result.text)
            let files = try run.checkpoints("run").map { folder in
                try ["classifier", "optimizer"].map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0).safetensors")) }
            }
            XCTAssertEqual(files.count, 2)
            XCTAssertTrue(files[0] == files[1])
        }
    }

    func testTooManySkippedStepsEndTheRunOnceAndNameASoundCheckpoint() throws {
        try withSmallRun { run in
            let options = warmUpOnly + ["--set", "divergence.skippedSteps=1"]
            let fault = ["DRNET_TEST_FAULT": "loss:1:7-8"]
            let result = try run.train("run", ranks: 2, options, environment: fault)
            XCTAssertEqual(result.status, 1, result.text)
            let message = "drnet: error: training diverged at step 8 (stage warmUp, epoch 2"
            XCTAssertEqual(result.errors.components(separatedBy: message).count, 2, result.text)
            XCTAssertTrue(result.errors.contains("rank 1 on "), result.text)
            XCTAssertTrue(result.errors.contains("--resume-from 5"), result.text)
            XCTAssertFalse(result.text.contains("MPI_ABORT"), result.text)
            // With the limit of the default, the same steps are skipped.
            try run.complete("enough", ranks: 2, warmUpOnly, environment: fault)
        }
    }

    /// The factor is so small that every loss counts as exploded.
    func testAnExplodedLossEndsTheRunAndKeepsTheCheckpointsFromBefore() throws {
        try withSmallRun { run in
            let options = warmUpOnly + ["--set", "checkpoints.everySteps=1"]
            try run.complete("run", options)
            let exploding = [
                "stages.warmUp.epochs=4", "divergence.lossFactor=1e-6", "divergence.explodedSteps=4", "checkpoints.keep=1",
            ].flatMap { ["--set", $0] }
            let result = try run.train("run", options + exploding + ["--resume"])
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertTrue(result.errors.contains("training diverged at step 14 (stage warmUp, epoch 3"), result.text)
            XCTAssertTrue(result.errors.contains("in 4 steps in a row"), result.text)
            // The weights after step 10 gave the first such loss.
            XCTAssertTrue(result.errors.contains("--resume-from 9"), result.text)
            let steps = run.checkpoints("run").compactMap { Int($0.suffix(9)) }
            XCTAssertEqual(steps, Array(1...13), "no checkpoint is removed while the loss is in doubt")
        }
    }

    // MARK: - --resume-from

    func testARunGoesBackToAStepAndEndsWithTheSameBits() throws {
        try withSmallRun { run in
            try run.complete("run", warmUpOnly)
            let (weights, losses) = (try run.weights("run"), run.losses("run"))
            let result = try run.train("run", warmUpOnly + ["--resume-from", "3"])
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(result.output.contains("(step 4 of the run)"), result.text)
            XCTAssertTrue(result.output.contains("the checkpoints of the steps 5, 6, 9, 10"), result.text)
            XCTAssertTrue(try run.weights("run") == weights)
            XCTAssertEqual(run.losses("run"), losses)
            let aside = run.path("run/earlier-1")
            XCTAssertTrue(FileManager.default.fileExists(atPath: aside + "/checkpoints/step-000000010/manifest.json"))
            XCTAssertTrue(FileManager.default.fileExists(atPath: aside + "/metrics.jsonl"))
            // The best checkpoint was one of the later ones. The mark is made again.
            let best = try String(contentsOfFile: run.path("run/checkpoints/best.json"), encoding: .utf8)
            XCTAssertEqual(best, try String(contentsOfFile: aside + "/checkpoints/best.json", encoding: .utf8))
        }
    }

    func testARunGoesBackToTheBestCheckpointWithOtherSettings() throws {
        try withSmallRun { run in
            try run.complete("run", ranks: 2, warmUpOnly)
            let mark = try String(contentsOfFile: run.path("run/checkpoints/best.json"), encoding: .utf8)
            let step = try XCTUnwrap(["5", "10"].first { mark.contains("00000" + ($0 == "5" ? "5" : "10")) }, mark)
            let options = warmUpOnly + ["--resume-from", "best", "--set", "stages.warmUp.learningRate.base=0.01"]
            let result = try run.train("run", ranks: 2, options)
            if step == "10" {
                // Only the epochs of a complete run can change.
                XCTAssertEqual(result.status, 1, result.text)
            } else {
                XCTAssertEqual(result.status, 0, result.text)
                XCTAssertTrue(result.output.contains("(step 6 of the run)"), result.text)
            }
        }
    }

    func testAStepWithoutACheckpointIsRefusedWithThoseThatExistAndNothingChanges() throws {
        try withSmallRun { run in
            try run.complete("run", warmUpOnly)
            let before = run.checkpoints("run")
            let result = try run.train("run", ranks: 2, warmUpOnly + ["--resume-from", "4"])
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertTrue(result.errors.contains("has no checkpoint of step 4; it has those of the steps 3, 5, 6, 9, 10"), result.text)
            XCTAssertEqual(run.checkpoints("run"), before)
            XCTAssertFalse(FileManager.default.fileExists(atPath: run.path("run/earlier-1")))
            for wrong in [["--resume-from", "x"], ["--resume-from", "4", "--resume"], ["--resume-from", "best", "--restart"]] {
                XCTAssertEqual(try run.train("run", wrong).status, 64)
            }
        }
    }
}
