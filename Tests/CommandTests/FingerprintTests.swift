import Foundation
import TestSupport
import XCTest

/// Tests launch/fingerprint, which shows whether a change alters any bit of the results.
final class FingerprintTests: XCTestCase {
    func testEachFileOfEachRunHasAChecksum() throws {
        let drnet = try builtExecutable(named: "drnet")
        let result = try ProcessRunner.run(
            repositoryRoot + "/launch/fingerprint", [drnet, "--set", "stages.fineTune.epochs=1", "--set", "stages.warmUp.epochs=1"],
            environment: ["DRNET_THREADS": "1"])
        XCTAssertEqual(result.status, 0, result.text)
        let runs = result.output.components(separatedBy: "== ").dropFirst().map { $0.split(separator: "\n").map(String.init) }
        XCTAssertEqual(
            runs.map(\.first),
            ["one process, ResNet-18", "one process, MobileNetV2", "2 ranks, local batch norm", "2 ranks, global batch norm"])
        let names = ["classifier.safetensors", "optimizer.safetensors", "predictor.safetensors", "evaluation.json"]
        for run in runs {
            let rows = run.dropFirst().map { $0.split(separator: " ").map(String.init) }
            XCTAssertEqual(rows.map(\.last), names, "\(run)")
            for row in rows { XCTAssertEqual(row[0].count, 64, "\(run)") }
        }
        // The runs differ in network, number of ranks or batch norm. Equal checksums would mean that the wrong files were read.
        XCTAssertEqual(Set(runs.map { $0[1] }).count, runs.count, result.output)
    }

    func testAMissingProgramIsNamed() throws {
        let result = try ProcessRunner.run(repositoryRoot + "/launch/fingerprint", ["/nowhere/drnet"])
        XCTAssertEqual(result.status, 1)
        XCTAssertTrue(result.errors.contains("/nowhere/drnet"), result.text)
    }
}
