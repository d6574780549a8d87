import Foundation
import TestSupport
import XCTest

/// Tests resuming runs: from which steps, and from which checkpoints.
final class ResumeTests: XCTestCase {
    /// Steps 1–10 are warm-up, steps 11–25 are fine-tuning, and step 26 is the recalibration. An epoch has five steps.
    func testARunResumedFromAnyStepEndsWithTheSameBits() throws {
        try withSmallRun { run in
            let cases: [(name: String, options: [String], ranks: Int?, steps: [Int])] = [
                ("boundaries", [], nil, [10, 25]), ("accumulation", ["optimizer.accumulationSteps=3"], nil, [3, 12]),
                ("local", ["batchNorm.mode=local"], 2, [3, 18]),
                (
                    "lagrangian",
                    ["policy={estimator: probe, flopsTarget: 0.5, flopsPenalty: lagrangian, flopsWarmUpEpochs: 0.5, balanceWeight: 0.1}"],
                    nil, [12, 18]
                ),
                (
                    "warm start",
                    ["predictor={widths: [8, 8, 16, 8, 8], inputSize: 32, warmStart: true}", "stages.warmUp.distillation.weight=1"],
                    2, [3, 10, 12]
                ),
                ("frozen", ["stages.fineTune.freeze=classifier"], nil, [12]),
            ]
            for (name, settings, ranks, steps) in cases {
                let options = settings.flatMap { ["--set", $0] }
                try run.complete(name, ranks: ranks, options)
                for step in steps {
                    let resumed = "\(name)-\(step)"
                    try run.cut(name, to: resumed, afterStep: step)
                    let result = try run.train(resumed, ranks: ranks, options + ["--resume"])
                    XCTAssertEqual(result.status, 0, result.text)
                    XCTAssertTrue(result.output.contains("(step \(step + 1) of the run)"), result.text)
                    XCTAssertTrue(try run.weights(name) == run.weights(resumed), resumed)
                    XCTAssertEqual(run.losses(name), run.losses(resumed), resumed)
                    XCTAssertEqual(run.milestones(name), run.milestones(resumed), resumed)
                }
            }
        }
    }

    func testResumingACompleteRunOnlyEvaluatesIt() throws {
        try withSmallRun { run in
            try run.complete("run")
            let (weights, milestones) = (try run.weights("run"), run.milestones("run"))
            XCTAssertEqual(milestones.suffix(2), ["evaluation recalibrate 1", "evaluation final 1"])
            let result = try run.train("run", ["--resume"])
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(result.output.contains("the run is complete already"), result.text)
            XCTAssertEqual(run.milestones("run"), milestones)
            XCTAssertTrue(try run.weights("run") == weights)
        }
    }

    func testADamagedCheckpointIsReportedAndThePreviousOneIsUsed() throws {
        try withSmallRun { run in
            try run.complete("run")
            let checkpoints = run.checkpoints("run")
            let weights = try run.weights("run")
            let damaged = try XCTUnwrap(checkpoints.last)
            let file = damaged + "/classifier.safetensors"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(fileURLWithPath: file))
            let result = try run.train("run", ["--resume"])
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(result.text.contains(damaged) && result.text.contains("classifier.safetensors is damaged"), result.text)
            XCTAssertTrue(try run.weights("run") == weights)
        }
    }

    func testARejectedResumeChangesNoFile() throws {
        try withSmallRun { run in
            try run.complete("run")
            func contents() throws -> [Data] {
                try ["config.yaml", "environment.json", "metrics.jsonl", "evaluation.json"].map {
                    try Data(contentsOf: URL(fileURLWithPath: run.path("run") + "/" + $0))
                }
            }
            let before = try contents()
            let again = try run.train("run")
            XCTAssertNotEqual(again.status, 0)
            XCTAssertTrue(again.errors.contains("--resume"), again.text)
            for (change, message) in [("seed=9", "seed is 9, was 3"), ("classifier.width=0.25", "classifier.width is 0.25, was 0.125")] {
                let other = try run.train("run", ["--resume", "--set", change])
                XCTAssertNotEqual(other.status, 0)
                XCTAssertTrue(other.errors.contains(message), other.text)
            }
            let images = run.path("data/train/rings")
            try FileManager.default.moveItem(atPath: images + "/00004.jpg", toPath: images + "/90004.jpg")
            let renamed = try run.train("run", ["--resume"])
            XCTAssertNotEqual(renamed.status, 0)
            XCTAssertTrue(renamed.errors.contains("the checksum of the training images' names is"), renamed.text)
            XCTAssertTrue(try contents() == before)
        }
    }

    func testResumingDoesNotNeedPretrainedFiles() throws {
        try withSmallRun { run in
            try run.complete("first")
            let file = run.path("pretrained.safetensors")
            try FileManager.default.copyItem(atPath: try XCTUnwrap(run.checkpoints("first").last) + "/classifier.safetensors", toPath: file)
            let options = ["--set", "classifier.pretrained=\(file)"]
            try run.complete("run", options)
            try run.cut("run", to: "resumed", afterStep: 12)
            try FileManager.default.removeItem(atPath: file)
            try run.complete("resumed", options + ["--resume"])
            XCTAssertTrue(try run.weights("run") == run.weights("resumed"))
            XCTAssertFalse(try run.weights("run") == run.weights("first"))
        }
    }
}
