import Foundation
import TestSupport
import XCTest

/// Tests the quickstart with fewer epochs. The effect of the defaults on the policy is visible only in a run that learns one.
final class QuickstartTests: XCTestCase {
    /// Without the entropy term, all images go to one resolution. Other tests do not notice this, because nothing fails.
    func testThePredictorSendsHardImagesToLargerResolutions() throws {
        try withTemporaryFolder { folder in
            try drnet(["synthesize", "\(folder)/data"])
            try drnet([
                "train", "\(repositoryRoot)/configs/quickstart.yaml", "--run-folder", "\(folder)/run", "--set",
                "data.folder=\(folder)/data",
                "--set", "stages.warmUp.epochs=6", "--set", "stages.fineTune.epochs=3", "--set", "stages.recalibrate.batches=20",
                "--set", "evaluation.everyEpochs=100",
            ])
            try drnet(["evaluate", "\(folder)/run"])
            let file = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/run/evaluation.json"))
            let kinds = try JSONDecoder().decode(Evaluation.self, from: file).difficulties
            let costs = Dictionary(uniqueKeysWithValues: kinds.map { ($0.name, $0.classifierGFLOPs) })
            XCTAssertGreaterThan(try XCTUnwrap(costs["hard"]), 1.5 * (try XCTUnwrap(costs["easy"])), "\(kinds)")
        }
    }

    private struct Evaluation: Decodable {
        struct Kind: Decodable {
            var name: String
            var classifierGFLOPs: Double
        }
        var difficulties: [Kind]
    }

    private func drnet(_ arguments: [String]) throws {
        let result = try ProcessRunner.run(
            builtExecutable(named: "drnet"), arguments, environment: ["OPENBLAS_NUM_THREADS": "1"], timeout: 600)
        XCTAssertEqual(result.status, 0, result.text)
    }
}
