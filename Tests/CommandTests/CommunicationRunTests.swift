import Foundation
import TestSupport
import XCTest

/// Whole runs with real ranks: the sums of the gradients in the background, the number of collectives, and the times of the ranks.
final class CommunicationRunTests: XCTestCase {
    private let short = ["stages.warmUp.epochs=1", "stages.fineTune.epochs=1", "stages.recalibrate=null"].flatMap { ["--set", $0] }

    private func setting(_ values: String...) -> [String] { values.flatMap { ["--set", $0] } }

    /// The fields of the records of one kind.
    private func records(_ run: SmallRun, _ name: String, kind: String) throws -> [[String: Any]] {
        let text = try String(contentsOfFile: run.path(name) + "/metrics.jsonl", encoding: .utf8)
        return try text.split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }.filter { $0["kind"] as? String == kind }
    }

    func testOverlappedSumsOfTwoRanksHaveTheBitsOfTheLibrary() throws {
        try withSmallRun { run in
            for mode in ["global", "local"] {
                let common = short + setting("batchNorm.mode=\(mode)")
                try run.complete("library-\(mode)", ranks: 2, common + setting("communication.algorithm=library"))
                let expected = try run.weights("library-\(mode)")
                for (name, values) in [
                    ("whole", setting("communication.bucketMegabytes=1000")), ("small", setting("communication.bucketMegabytes=0.01")),
                    ("ring", setting("communication.algorithm=ring")),
                ] {
                    try run.complete("\(name)-\(mode)", ranks: 2, common + values)
                    XCTAssertTrue(try run.weights("\(name)-\(mode)") == expected, "\(name), \(mode) batch norm")
                }
            }
        }
    }

    func testThreeRanksWithSmallBucketsRepeatTheirBits() throws {
        try withSmallRun { run in
            let options = short + setting("communication.bucketMegabytes=0.01", "batchNorm.mode=local", "optimizer.accumulationSteps=2")
            try run.complete("first", ranks: 3, options)
            try run.complete("second", ranks: 3, options)
            XCTAssertTrue(try run.weights("first") == run.weights("second"))
        }
    }

    func testGradientsThatTravelInBFloat16GiveNearlyTheSameLosses() throws {
        try withSmallRun { run in
            let common =
                short
                + setting(
                    "metrics.everySteps=1", "stages.warmUp.learningRate.base=2e-4", "stages.fineTune.learningRate.base=2e-4")
            var losses: [String: [Double]] = [:]
            for format in ["float32", "bfloat16"] {
                try run.complete(format, ranks: 2, common + setting("communication.gradients=\(format)"))
                losses[format] = try records(run, format, kind: "step").compactMap { $0["loss"] as? Double }
            }
            let (exact, rounded) = (losses["float32", default: []], losses["bfloat16", default: []])
            XCTAssertFalse(exact.isEmpty)
            XCTAssertEqual(exact.count, rounded.count)
            XCTAssertEqual(exact[0], rounded[0], accuracy: 1e-6, "the first step's loss comes before the first rounded gradient")
            XCTAssertNotEqual(exact, rounded)
            for (a, b) in zip(exact, rounded) { XCTAssertEqual(a, b, accuracy: 0.02 * abs(a)) }
            try run.complete("again", ranks: 2, common + setting("communication.gradients=bfloat16"))
            XCTAssertTrue(try run.weights("again") == run.weights("bfloat16"), "a repeated run has the same bits")
        }
    }

    /// docs/communication.md has these numbers.
    func testAStepHasTheDocumentedNumberOfCollectives() throws {
        try withSmallRun { run in
            // Replicas are also compared before each checkpoint.
            let common = short + setting("communication.replicaCheckSteps=0", "checkpoints.everySteps=0")
            try run.complete("local", ranks: 2, common + setting("batchNorm.mode=local"))
            try run.complete("global", ranks: 2, common)
            func counts(_ name: String, _ stage: String) throws -> Set<Int> {
                let steps = try records(run, name, kind: "step").filter { $0["stage"] as? String == stage }
                return Set(steps.compactMap { $0["collectives"] as? Int })
            }
            XCTAssertEqual(try counts("local", "warmUp"), [2])
            XCTAssertEqual(try counts("local", "fineTune"), [3])
            // ResNet-18 has 20 batch norms. Each has a collective forward and one backward, at both resolutions.
            XCTAssertEqual(try counts("global", "warmUp"), [2 + 2 * 2 * 20])
            // The estimator `expected` also runs both resolutions forward, and the predictor has 12 batch norms.
            let expected = [1, 2].map { 3 + 2 * $0 * 20 + 2 * 20 + 2 * 12 }
            for count in try counts("global", "fineTune") { XCTAssertTrue(expected.contains(count), "\(count), not \(expected)") }
        }
    }

    func testRecordsAndConsoleHaveTheTimesOfAllRanks() throws {
        try withSmallRun { run in
            for ranks in [nil, 2] {
                let name = "ranks-\(ranks ?? 1)"
                let result = try run.train(name, ranks: ranks, short)
                XCTAssertEqual(result.status, 0, result.text)
                XCTAssertTrue(result.output.contains("time of the steps: computing "), result.text)
                for kind in ["step", "epoch"] {
                    let found = try records(run, name, kind: kind)
                    XCTAssertFalse(found.isEmpty)
                    for record in found {
                        let seconds = try XCTUnwrap(record["rankSeconds"] as? [String: [Double]], "\(record)")
                        XCTAssertEqual(seconds.keys.sorted(), ["communicating", "computing", "loading", "saving", "waiting"])
                        for (part, values) in seconds {
                            XCTAssertEqual(values.count, ranks ?? 1, part)
                            XCTAssertTrue(values.allSatisfy { $0 >= 0 }, "\(part): \(values)")
                        }
                        XCTAssertGreaterThan(seconds["computing", default: []].reduce(0, +), 0)
                    }
                }
            }
        }
    }
}
