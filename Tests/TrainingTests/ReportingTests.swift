@testable import Configuration
import Foundation
import TestSupport
import XCTest
@testable import Training

final class ReportingTests: XCTestCase {
    private func record(_ step: Int, loss: Double = 1) -> EpochRecord {
        EpochRecord(
            stage: "warmUp", epoch: 1, step: step, loss: loss, crossEntropy: 1, penalty: 0, accuracy: 0.5, gigaFLOPs: nil, shares: nil,
            entropy: nil)
    }

    func testAResumedRunDropsLaterRecordsAndATornLine() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            let first = try MetricsWriter(path: path, afterStep: 0)
            for step in 1...5 { try first.write(record(step)) }
            var text = try String(contentsOfFile: path, encoding: .utf8)
            text += "{\"kind\":\"ste"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let second = try MetricsWriter(path: path, afterStep: 3)
            try second.write(record(4, loss: .nan))
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            XCTAssertEqual(lines.count, 4)
            XCTAssertTrue(lines[3].contains("\"loss\":\"nan\""), "\(lines[3])")
        }
    }

    func testAResumedRunDropsTheFinalRecordWhichComesAgain() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            let first = try MetricsWriter(path: path, afterStep: 0)
            try first.write(record(3))
            try first.write(EvaluationRecord(stage: EvaluationRecord.finalStage, epoch: 1, step: 3, rows: []))
            _ = try MetricsWriter(path: path, afterStep: 3)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            XCTAssertTrue(text.contains("warmUp") && !text.contains("final"), text)
        }
    }

    func testResumingSaysWhereItGoesOn() throws {
        let stages = ["warmUp: {epochs: 2, learningRate: {base: 1}}", "recalibrate: {}"]
        let plans = StagePlan.plans(try stagesOptions(stages))
        func note(_ stage: Int, _ epoch: Int, _ step: Int) -> String {
            var position = TrainingPosition()
            (position.stage, position.epoch, position.step, position.runStep) = (stage, epoch, step, 9)
            return Trainer.resumeNote(position, folder: "runs/a", plans: plans)
        }
        XCTAssertEqual(note(0, 1, 4), "resuming stage warmUp at epoch 2, step 5 (step 9 of the run)")
        XCTAssertEqual(note(0, 2, 0), "resuming stage recalibrate at epoch 1, step 1 (step 9 of the run)", "the last checkpoint of a stage")
        for (stage, epoch) in [(1, 1), (2, 0)] {
            XCTAssertEqual(note(stage, epoch, 0), "the run is complete already: evaluating its weights")
        }
        XCTAssertEqual(
            Trainer.resumeNote(nil, folder: "runs/a", plans: plans),
            "runs/a holds no valid checkpoint to resume: starting from the beginning")
    }

    private func stagesOptions(_ stages: [String]) throws -> TrainingConfiguration.StagesOptions {
        try withTemporaryFolder { folder in
            let text =
                "resolutions: [64, 32]\ndata: {folder: photos}\nclassifier: {architecture: resnet18}\noptimizer: {batchSize: 2}\nstages:\n"
                + stages.map { "  \($0)\n" }.joined()
            try text.write(toFile: folder + "/run.yaml", atomically: true, encoding: .utf8)
            return try TrainingConfiguration.load(path: folder + "/run.yaml", overrides: []).stages
        }
    }

    private let state = ProgressState(
        stage: "fineTune", epoch: 2, epochs: 8, step: 3, steps: 9, imagesPerSecond: 512.4, loss: 1.23456, accuracy: 0.5, gigaFLOPs: 0.0138,
        shares: [(96, 0.25), (64, 0.75)], remainingSeconds: 61)

    func testTheLineTellsEverything() {
        XCTAssertEqual(
            state.text,
            "fineTune 2/8  step 3/9  512 images/s  loss 1.235  accuracy 50.0 %  0.0138 GFLOPs  96: 25 % 64: 75 %  1 min 01 s left")
        XCTAssertEqual(ProgressState.duration(3661), "1 h 01 min")
        XCTAssertEqual(ProgressState.duration(.infinity), "?")
    }

    func testATerminalGetsALiveLineCutToItsWidthAndAFileAPlainOneNowAndThen() {
        var time = Date()
        var shown = ""
        let live = ProgressReporter(isTerminal: true, width: 30, now: { time }) { shown += $0 }
        live.update(state)
        XCTAssertTrue(shown.hasPrefix("\r\u{1B}[K") && !shown.contains("\n"))
        XCTAssertEqual(shown.count, 4 + 29)
        shown = ""
        let plain = ProgressReporter(isTerminal: false, width: .max, now: { time }) { shown += $0 }
        for _ in 0..<25 {
            plain.update(state)
            time += 1
        }
        XCTAssertEqual(shown.split(separator: "\n").count, 3)
        plain.finishLine()
        XCTAssertEqual(shown.split(separator: "\n").count, 4)
    }
}
