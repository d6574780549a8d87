import Foundation
import TestSupport
import XCTest
@testable import Training

final class ReportingTests: XCTestCase {
    private func record(_ step: Int, loss: Double = 1) -> EpochRecord {
        EpochRecord(
            stage: "warmUp", epoch: 1, step: step, loss: loss, crossEntropy: 1, penalty: 0, accuracy: 0.5, gigaFLOPs: nil, shares: nil)
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
