import Foundation
import TestSupport
import XCTest

/// Tests frozen parts and warm starts in whole runs.
final class FrozenRunTests: XCTestCase {
    /// Returns the file of a network in the checkpoint of a step. Steps 1–10 are warm-up, and steps 11–25 are fine-tuning.
    private func file(_ run: SmallRun, _ name: String, step: Int, _ network: String) throws -> Data {
        let checkpoint = try XCTUnwrap(run.checkpoints(name).first { $0.hasSuffix(String(format: "-%09d", step)) }, "no step \(step)")
        return try Data(contentsOf: URL(fileURLWithPath: "\(checkpoint)/\(network).safetensors"))
    }

    func testAFrozenPartKeepsEveryBitDuringAStage() throws {
        try withSmallRun { run in
            let usual = ["stages.recalibrate=null", "optimizer.weightDecay=0.01"].flatMap { ["--set", $0] }
            func isChanged(_ name: String, _ network: String) throws -> Bool {
                try file(run, name, step: 10, network) != file(run, name, step: 25, network)
            }
            try run.complete("none", usual)
            XCTAssertTrue(try isChanged("none", "classifier") && isChanged("none", "predictor"), "the comparison can fail")
            for estimator in ["expected", "straight-through", "dense", "probe"] {
                let name = "classifier-" + estimator
                try run.complete(name, usual + ["--set", "stages.fineTune.freeze=classifier", "--set", "policy.estimator=\(estimator)"])
                XCTAssertFalse(try isChanged(name, "classifier"), estimator)
                XCTAssertTrue(try isChanged(name, "predictor"), estimator)
            }
            let pretrained = run.path("predictor.safetensors")
            try file(run, "none", step: 25, "predictor").write(to: URL(fileURLWithPath: pretrained))
            for ranks in [nil, 2] as [Int?] {
                let name = "predictor-\(ranks ?? 1)"
                try run.complete(
                    name, ranks: ranks,
                    usual + ["--set", "stages.fineTune.freeze=predictor", "--set", "predictor.pretrained=\(pretrained)"])
                XCTAssertTrue(try isChanged(name, "classifier"))
                XCTAssertEqual(try file(run, name, step: 25, "predictor"), try Data(contentsOf: URL(fileURLWithPath: pretrained)))
            }
        }
    }

    func testAWarmStartIsReportedAndHappensOnceBeforeFineTuning() throws {
        try withSmallRun { run in
            let options = ["--set", "predictor.widths=[8, 8, 16, 8, 8]"]
            try run.complete("scratch", options)
            let result = try run.train("warm", options + ["--set", "predictor.warmStart=true"])
            XCTAssertEqual(result.status, 0, result.text)
            let note =
                "the predictor starts from the classifier's stem, layer1.0, layer2.0 (batch norms of 32 pixels), and "
                + "from scratch in layer3.0, layer4.0, fc"
            XCTAssertEqual(result.output.components(separatedBy: note).count, 2, result.text)
            XCTAssertEqual(try file(run, "warm", step: 10, "predictor"), try file(run, "scratch", step: 10, "predictor"), "not before")
            XCTAssertNotEqual(try file(run, "warm", step: 12, "predictor"), try file(run, "scratch", step: 12, "predictor"))
            let refused = try run.train("refused", ["--set", "predictor.warmStart=true"])
            XCTAssertNotEqual(refused.status, 0)
            XCTAssertTrue(refused.errors.contains("predictor.warmStart' is true, but the stem of classifier.architecture"), refused.text)
        }
    }
}
