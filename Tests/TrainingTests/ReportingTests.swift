import DynamicResolution
import Evaluation
import Foundation
import Inference
import Interchange
import TestSupport
import XCTest

@testable import Configuration
@testable import Training

final class ReportingTests: XCTestCase {
    private let plans: [StagePlan] = {
        do {
            return StagePlan.plans(
                try ReportingTests.stagesOptions([
                    "warmUp: {epochs: 2, learningRate: {base: 1}}", "fineTune: {epochs: 2, learningRate: {base: 1}}",
                ]))
        } catch { preconditionFailure("\(error)") }
    }()

    /// Four images at two resolutions, as a step or an epoch sums them.
    private func report(loss: Double = 4) -> StepReport {
        var report = StepReport(resolutionCount: 2)
        (report.lossSum, report.images, report.classifications, report.correct, report.routed) = (loss, 4, 4, 2, [1, 3])
        return report
    }

    private func record(_ step: Int, loss: Double = 4) -> MetricsRecord {
        var position = TrainingPosition()
        position.runStep = step
        return MetricsRecord(epoch: report(loss: loss), plans[0], position)
    }

    private func stepEvent(_ plan: StagePlan, step: Int = 3) -> StepEvent {
        var position = TrainingPosition()
        (position.epoch, position.step, position.runStep) = (1, step, 10 + step)
        var policy = PolicyState()
        policy.add(report())
        return StepEvent(
            result: StepResult(
                report: report(), learningRates: [0.5, nil], gradientNorm: 2, flopsWeight: plan.usesPredictor ? 0.25 : nil,
                stopIsRequested: false),
            plan: plan, position: position, stepsPerEpoch: 9, epochSums: report(), policy: policy, seconds: 0.5, waitingSeconds: 0.125)
    }

    private func keys(_ record: MetricsRecord) throws -> [String] {
        let object = try JSONSerialization.jsonObject(with: JSON.encode(record, .compact)) as? [String: Any]
        return try XCTUnwrap(object).keys.sorted()
    }

    func testARecordHasAllItsFieldsInOneObject() throws {
        let place = ["epoch", "kind", "stage", "step"]
        let means = ["accuracy", "crossEntropy", "loss", "penalty"]
        let step = ["dataWaitSeconds", "gradientNorm", "imagesPerSecond", "learningRates"]
        XCTAssertEqual(try keys(MetricsRecord(stepEvent(plans[0]))), (place + means + step).sorted())
        XCTAssertEqual(
            try keys(MetricsRecord(stepEvent(plans[1]))),
            (place + means + step + ["entropy", "flopsWeight", "gigaFLOPs", "runningGigaFLOPs", "shares"]).sorted())
        XCTAssertEqual(
            try keys(MetricsRecord(stepEvent(plans[1]), .milliseconds(choices: [3e9, 1e9]))),
            (place + means + step + ["entropy", "flopsWeight", "gigaFLOPs", "milliseconds", "runningMilliseconds", "shares"]).sorted())
        XCTAssertEqual(ReportedCosts.milliseconds(choices: [3e9, 1e9]).gigaFLOPs(report()), 1.5, accuracy: 1e-12, "0.25 and 0.75 of them")
        XCTAssertEqual(try keys(record(3)), (place + means).sorted())
        XCTAssertEqual(try keys(MetricsRecord(message: "a", plans[0], TrainingPosition())), (place + ["message"]).sorted())
        XCTAssertEqual(try keys(MetricsRecord(final: [], step: 3)), (place + ["rows"]).sorted())
        let text = String(decoding: try JSON.encode(MetricsRecord(stepEvent(plans[1])), .compact), as: UTF8.self)
        for part in [
            #""kind":"step""#, #""stage":"fineTune""#, #""epoch":2"#, #""step":13"#, #""loss":1"#, #""accuracy":0.5"#,
            #""learningRates":[0.5,null]"#, #""imagesPerSecond":8"#, #""dataWaitSeconds":0.125"#, #""flopsWeight":0.25"#,
            #""shares":[0.25,0.75]"#,
        ] { XCTAssertTrue(text.contains(part), "\(part) in \(text)") }
    }

    func testTheJournalRecordsEachStepOfTheInterval() throws {
        try withTemporaryFolder { folder in
            let console = ProgressReporter(isTerminal: false, width: .max) { _ in }
            let runFolder = RunFolder(path: folder)
            let journal = try RunJournal(
                runFolder: runFolder, console: console, resolutions: [64, 32], stepInterval: 5, after: nil)
            for step in 1...9 { try journal.record(stepEvent(plans[1], step: step)) }
            let lines = try String(contentsOfFile: runFolder.metrics, encoding: .utf8).split(separator: "\n")
            XCTAssertEqual(lines.count, 1, "step 15 of the steps 11 to 19")
            XCTAssertTrue(lines[0].contains(#""step":15"#), "\(lines[0])")
        }
    }

    func testTheRemainingTimeFollowsFromTheImagesThatAreLeft() {
        // Epoch 2 of 2, after step 3 of 9: 6 steps of 4 / 3 images.
        let state = ProgressState(stepEvent(plans[1]), resolutions: [64, 32], secondsPerImage: 0.125)
        XCTAssertEqual(state.remainingSeconds ?? .nan, 6 * 4 / 3 * 0.125, accuracy: 1e-12)
        XCTAssertEqual(state.imagesPerSecond, 8)
        XCTAssertEqual(state.shares.map(\.resolution), [64, 32])
        XCTAssertEqual([state.epoch, state.epochs, state.step, state.steps], [2, 2, 3, 9])
    }

    func testAResumedRunDropsLaterRecordsAndATornLine() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            let first = try MetricsWriter(path: path, after: nil) { XCTFail($0) }
            for step in 1...5 { try first.write(record(step)) }
            var text = try String(contentsOfFile: path, encoding: .utf8)
            text += "{\"kind\":\"ste"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let second = try MetricsWriter(path: path, after: MetricsWriter.Position(step: 3)) { XCTFail($0) }
            try second.write(record(4, loss: .nan))
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            XCTAssertEqual(lines.count, 4)
            XCTAssertTrue(lines[3].contains("\"loss\":\"nan\""), "\(lines[3])")
        }
    }

    func testAResumedRunDropsTheFinalRecordWhichComesAgain() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            let first = try MetricsWriter(path: path, after: nil) { XCTFail($0) }
            try first.write(record(3))
            try first.write(MetricsRecord(final: [], step: 3))
            _ = try MetricsWriter(path: path, after: MetricsWriter.Position(step: 3)) { XCTFail($0) }
            let text = try String(contentsOfFile: path, encoding: .utf8)
            XCTAssertTrue(text.contains("warmUp") && !text.contains("final"), text)
        }
    }

    func testAPendingEvaluationWritesItsRecordsAgain() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            let (first, event) = (try MetricsWriter(path: path, after: nil) { XCTFail($0) }, stepEvent(plans[1]))
            try first.write(MetricsRecord(event))
            try first.write(MetricsRecord(epoch: event.epochSums, plans[1], event.position))
            for (isPending, count) in [(false, 2), (true, 1)] {
                let position = MetricsWriter.Position(step: event.position.runStep, isEvaluationPending: isPending)
                _ = try MetricsWriter(path: path, after: position) { XCTFail($0) }
                let text = try String(contentsOfFile: path, encoding: .utf8)
                XCTAssertEqual(text.split(separator: "\n").count, count, text)
            }
        }
    }

    func testDamagedLinesAreToldAndAnUnreadableFileIsNotAnEmptyOne() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            let first = try MetricsWriter(path: path, after: nil) { XCTFail($0) }
            try first.write(record(1))
            let line = try Data(contentsOf: URL(fileURLWithPath: path))
            try (Data([0xFF, 0x0A]) + line).write(to: URL(fileURLWithPath: path))
            var warnings: [String] = []
            _ = try MetricsWriter(path: path, after: MetricsWriter.Position(step: 3)) { warnings.append($0) }
            XCTAssertEqual(warnings, ["\(path): 1 damaged line is left out"])
            XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: path)), line)
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path)
            XCTAssertThrowsError(try MetricsWriter(path: path, after: MetricsWriter.Position(step: 3)) { XCTFail($0) })
        }
    }

    /// The limit on the size of files stands for a full disk.
    func testRecordsWaitForAFullDiskAndAreNeverTorn() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            var warnings: [String] = []
            let writer = try MetricsWriter(path: path, after: nil) { warnings.append($0) }
            try writer.write(record(1))
            let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            var small = limit
            small.rlim_cur = rlim_t(size + 10)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &small)
            for step in 2...4 { try writer.write(record(step)) }
            let during = try Data(contentsOf: URL(fileURLWithPath: path)).count
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            XCTAssertEqual(during, size, "no part of a record is left")
            XCTAssertEqual(warnings.count, 1, "\(warnings)")
            XCTAssertTrue(warnings.first?.contains("File too large") ?? false, "\(warnings)")
            try writer.write(record(5))
            XCTAssertEqual(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count, 5)
        }
    }

    func testResumingSaysWhereItGoesOn() throws {
        let stages = ["warmUp: {epochs: 2, learningRate: {base: 1}}", "recalibrate: {}"]
        let plans = StagePlan.plans(try Self.stagesOptions(stages))
        func note(_ stage: Int, _ epoch: Int, _ step: Int) -> String {
            var position = TrainingPosition()
            (position.stage, position.epoch, position.step, position.runStep) = (stage, epoch, step, 9)
            return Trainer.resumeNote(position, folder: "runs/a", plans: plans)
        }
        XCTAssertEqual(note(0, 1, 4), "resuming stage warmUp at epoch 2, step 5 (step 10 of the run)")
        XCTAssertEqual(
            note(0, 2, 0), "resuming stage recalibrate at epoch 1, step 1 (step 10 of the run)", "the last checkpoint of a stage")
        for (stage, epoch) in [(1, 1), (2, 0)] {
            XCTAssertEqual(note(stage, epoch, 0), "the run is complete already: evaluating its weights")
        }
        var position = TrainingPosition()
        position.epoch = 1
        XCTAssertEqual(
            Trainer.resumeNote(position, stagnates: true, folder: "runs/a", plans: plans),
            "resuming stage recalibrate at epoch 1, step 1 (step 1 of the run)", "a stage that ended early")
        XCTAssertEqual(
            Trainer.resumeNote(nil, folder: "runs/a", plans: plans),
            "runs/a holds no checkpoint: starting from the beginning")
    }

    private static func stagesOptions(_ stages: [String]) throws -> TrainingConfiguration.StagesOptions {
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

    func testANarrowTerminalKeepsStageStepAndTimeLeft() {
        XCTAssertEqual(state.text(width: 46), "fineTune 2/8  step 3/9  1 min 01 s left")
        XCTAssertEqual(state.text(width: 80), "fineTune 2/8  step 3/9  loss 1.235  accuracy 50.0 %  1 min 01 s left")
        XCTAssertTrue(state.text(width: 200).hasPrefix("▕██ "), state.text(width: 200))
        XCTAssertTrue(state.text(width: 200).hasSuffix("96: 25 % 64: 75 %  1 min 01 s left"))
        for width in 1...150 { XCTAssertLessThanOrEqual(state.text(width: width).count, width) }
        var warmUp = state
        warmUp.isLastStage = false
        XCTAssertTrue(warmUp.text.hasSuffix("1 min 01 s left in this stage"))
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
