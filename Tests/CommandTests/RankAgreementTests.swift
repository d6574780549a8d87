import Foundation
import TestSupport
import XCTest

/// Tests with real ranks that differ in their options, files or data: they are refused before anything is written, and what differs is
/// named.
final class RankAgreementTests: XCTestCase {
    /// Trains with two ranks that have different arguments.
    private func train(_ run: SmallRun, _ first: [String], _ second: [String]) throws -> ProcessRunner.Result {
        try run.drnet(ranks: [first, second].map { (run.folder, ["train", run.configuration, "-o", run.path("run")] + $0) })
    }

    private func assertRefused(_ result: ProcessRunner.Result, _ run: SmallRun, _ parts: [String], line: UInt = #line) {
        XCTAssertFalse(result.timedOut, result.text, line: line)
        XCTAssertEqual(result.status, 1, result.text, line: line)
        let host = ProcessInfo.processInfo.hostName
        for part in parts {
            let text = part.replacingOccurrences(of: "HOST", with: host)
            XCTAssertEqual(result.errors.components(separatedBy: text).count, 2, "'\(text)' once in \(result.text)", line: line)
        }
        XCTAssertFalse(result.text.contains("MPI_ABORT"), result.text, line: line)
        XCTAssertFalse(FileManager.default.fileExists(atPath: run.path("run/metrics.jsonl")), line: line)
    }

    func testOtherSettingsAreNamedByKeyValueAndRank() throws {
        try withSmallRun { run in
            assertRefused(
                try train(run, [], ["--set", "seed=4", "--set", "batchNorm.mode=local"]), run,
                [
                    "drnet: error: the ranks differ in the configuration: seed is 3 on rank 0 on HOST, but 4 on rank 1 on HOST",
                    "batchNorm.mode is global on rank 0 on HOST, but local on rank 1 on HOST",
                ])
            assertRefused(
                try train(run, ["--set", "stages.warmUp=null"], []), run,
                ["stages.warmUp.learningRate.base is not set on rank 0 on HOST, but 0.02 on rank 1 on HOST"])
        }
    }

    func testOtherOptionsAndCommandsAreNamed() throws {
        try withSmallRun { run in
            assertRefused(
                try train(run, [], ["--resume"]), run, ["the ranks differ in the command line: --resume is not given on rank 0"])
            try run.complete("done", ["--set", "stages.fineTune=null", "--set", "stages.recalibrate=null"])
            let result = try run.drnet(ranks: [
                (run.folder, ["train", run.configuration, "-o", run.path("run")]), (run.folder, ["evaluate", run.path("done")]),
            ])
            assertRefused(result, run, ["the ranks differ in the command line: the command is train on rank 0"])
        }
    }

    func testFilesWithOtherNamesAndTheSameValuesAreAllowed() throws {
        try withSmallRun { run in
            let other = run.path("elsewhere")
            try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
            let text = try String(contentsOfFile: run.configuration, encoding: .utf8)
            try ("# another file\n" + text).write(toFile: other + "/other.yaml", atomically: true, encoding: .utf8)
            let end = ["-o", run.path("run"), "--set", "stages.fineTune=null", "--set", "stages.recalibrate=null"]
            let result = try run.drnet(ranks: [(run.folder, ["train", "run.yaml"] + end), (other, ["train", "other.yaml"] + end)])
            XCTAssertEqual(result.status, 0, result.text)
        }
    }

    /// Each host has a data set at the same relative path. They have the same names, and one image has other contents.
    func testAnImageWithOtherContentsIsNamed() throws {
        try withSmallRun { run in
            for host in ["a", "b"] {
                try FileManager.default.createDirectory(atPath: run.path(host), withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: run.path("data"), toPath: run.path("\(host)/data"))
            }
            let images = try FileManager.default.subpathsOfDirectory(atPath: run.path("b/data")).filter { $0.hasPrefix("val/") }
            let image = try XCTUnwrap(images.filter { $0.hasSuffix(".jpg") }.min())
            let file = URL(fileURLWithPath: run.path("b/data/") + image)
            try (try Data(contentsOf: file) + Data([0])).write(to: file)
            let arguments = ["train", run.configuration, "-o", run.path("run"), "--set", "data.folder=data"]
            let result = try run.drnet(ranks: [(run.path("a"), arguments), (run.path("b"), arguments)])
            assertRefused(result, run, ["drnet: error: rank 1 on HOST: data: \(image) has "])
        }
    }

    func testOnlyRankZeroReadsPretrainedWeights() throws {
        try withSmallRun { run in
            let short = ["--set", "stages.fineTune=null", "--set", "stages.recalibrate=null", "--set", "stages.warmUp.epochs=1"]
            try run.complete("first", short)
            for name in ["a", "b"] { try FileManager.default.createDirectory(atPath: run.path(name), withIntermediateDirectories: true) }
            try FileManager.default.copyItem(atPath: run.path("first"), toPath: run.path("a/first"))
            let arguments = ["train", run.configuration, "-o", run.path("run"), "--set", "classifier.pretrained=first"] + short
            let result = try run.drnet(ranks: [(run.path("a"), arguments), (run.path("b"), arguments)])
            XCTAssertEqual(result.status, 0, result.text)
        }
    }

    // MARK: - Replicas

    /// A bit changes after step 4. The checkpoint of step 6 is the next one.
    func testReplicasAreComparedBeforeASaveSoThatNoCheckpointHoldsTheDifference() throws {
        try withSmallRun { run in
            let options = ["communication.replicaCheckSteps=0", "stages.fineTune=null", "stages.recalibrate=null"]
                .flatMap { ["--set", $0] }
            try run.complete("whole", ranks: 3, options)
            let result = try run.train("run", ranks: 3, options, environment: ["DRNET_TEST_FAULT": "replica:2:4"])
            XCTAssertEqual(result.status, 1, result.text)
            let message = "drnet: error: the replicas of the ranks differ after step 5: rank 2 on "
            XCTAssertEqual(result.errors.components(separatedBy: message).count, 2, result.text)
            XCTAssertTrue(result.errors.contains("(classifier."), result.text)
            XCTAssertEqual(run.checkpoints("run").map { $0.suffix(9) }, ["000000003"])
            try run.complete("run", ranks: 3, options + ["--resume"])
            XCTAssertTrue(try run.weights("run") == run.weights("whole"))
        }
    }

    // MARK: - The ledger

    func testEachImageIsUsedExactlyOnceAlsoIfTheNumberOfRanksChangesInAnEpoch() throws {
        try withSmallRun { run in
            let options = ["--set", "stages.fineTune=null", "--set", "stages.recalibrate=null"]
            try run.complete("whole", options)
            let expected = run.ledgers("whole")
            XCTAssertEqual(expected.count, 2)
            XCTAssertTrue(expected.allSatisfy { $0.contains(": 58 of 58, ") && $0.hasSuffix("each exactly once") }, "\(expected)")
            for (ranks, step) in [(3, 3), (2, 8)] {
                let name = "ranks-\(ranks)"
                try run.cut("whole", to: name, afterStep: step)
                try run.complete(name, ranks: ranks, options + ["--resume"])
                XCTAssertEqual(run.ledgers(name), expected, name)
            }
        }
    }
}
