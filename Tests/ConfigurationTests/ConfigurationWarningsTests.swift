import TestSupport
import XCTest

@testable import Configuration

final class ConfigurationWarningsTests: XCTestCase {
    /// The warnings of the quickstart: 48 images, resolutions 96, 64 and 32, the last with one pixel at the end of the network.
    private func warnings(ranks: Int = 1, _ overrides: String...) throws -> [String] {
        try TrainingConfiguration.load(path: "\(repositoryRoot)/configs/quickstart.yaml", overrides: overrides).warnings(rankCount: ranks)
    }

    func testSubBatchesOfTooFewValuesAreWarnedOf() throws {
        XCTAssertEqual(try warnings(), [])
        XCTAssertEqual(
            try warnings("optimizer.batchSize=47"),
            [
                "optimizer.batchSize 47 on 3 sub-batches gives poor batch statistics in fine-tuning: 15 values a channel (15 images of "
                    + "1 pixel at the end of the network, at resolution 32), and 16 are needed. The network can be destroyed. Use at least "
                    + "48 images, or larger resolutions"
            ])
        // Four pixels at 64.
        XCTAssertEqual(try warnings("resolutions=[128,96,64]", "optimizer.batchSize=12"), [])
        let few = try XCTUnwrap(warnings("resolutions=[128,96,64]", "optimizer.batchSize=9").first)
        XCTAssertTrue(few.contains("3 images of 4 pixels") && few.contains("Use at least 12 images"), few)
        let parts = try XCTUnwrap(warnings("optimizer.accumulationSteps=2").first)
        XCTAssertTrue(parts.hasPrefix("optimizer.batchSize 48 in 2 micro-batches on 3 sub-batches"), "statistics are of a part: \(parts)")
        XCTAssertTrue(parts.contains("Use at least 96 images"), parts)
        // Every image is at every resolution.
        XCTAssertEqual(try warnings("optimizer.batchSize=16", "policy.estimator=dense"), [])
        XCTAssertEqual(try warnings("optimizer.batchSize=16", "stages.fineTune.freeze=classifier", "policy.batchNormImages=routed"), [])
    }

    func testLocalBatchNormsSeeTheImagesOfOneRank() throws {
        XCTAssertEqual(try warnings(ranks: 8, "batchNorm.mode=global"), [], "all ranks together")
        XCTAssertEqual(try warnings(ranks: 1, "batchNorm.mode=local"), [])
        XCTAssertEqual(try warnings(ranks: 2, "batchNorm.mode=local", "optimizer.batchSize=96"), [])
        let found = try warnings(ranks: 8, "batchNorm.mode=local", "optimizer.batchSize=32")
        XCTAssertEqual(found.count, 2, "warm-up and fine-tuning; the predictor has 4 pixels: \(found)")
        guard found.count == 2 else { return }
        XCTAssertTrue(found[0].contains("poor batch statistics in warm-up: 4 values a channel and rank (4 images of 1 pixel"), found[0])
        XCTAssertTrue(
            found[1].hasPrefix("optimizer.batchSize 32 on 3 sub-batches and 8 ranks (batchNorm.mode local) gives poor batch statistics"),
            found[1])
        XCTAssertTrue(found[1].contains(": 1 values a channel and rank (1 image of 1 pixel"), found[1])
        XCTAssertTrue(found[1].contains("Use at least 384 images, batchNorm.mode global, fewer ranks, or larger resolutions"), found[1])
        let predictor = try warnings(ranks: 8, "batchNorm.mode=local", "optimizer.batchSize=384", "predictor.inputSize=32")
        XCTAssertEqual(predictor, [], "48 images a rank")
        let small = try warnings(ranks: 8, "batchNorm.mode=local", "optimizer.batchSize=32", "predictor.inputSize=32")
        XCTAssertTrue(small.last?.contains("fine-tuning of the predictor: 4 values a channel and rank") ?? false, "\(small)")
    }

    func testEvenWorkWithoutEffectIsWarnedOf() throws {
        func found(ranks: Int = 2, _ override: String) throws -> Bool {
            try warnings(ranks: ranks, "communication.balance=flops", "optimizer.batchSize=96", override)
                .contains { $0.hasPrefix("communication.balance flops has no effect") }
        }
        for override in [
            "policy.estimator=dense", "policy.estimator=regression", "stages.fineTune.freeze=classifier", "stages.fineTune=null",
        ] {
            XCTAssertTrue(try found(override), override)
            XCTAssertFalse(try found(ranks: 1, override), "one rank has nothing to share")
        }
        for estimator in ["straight-through", "expected", "probe"] { XCTAssertFalse(try found("policy.estimator=\(estimator)")) }
        XCTAssertFalse(try warnings(ranks: 2, "policy.estimator=dense", "optimizer.batchSize=96").contains { $0.contains("balance") })
    }

    func testRanksWithoutImagesAreWarnedOf() throws {
        let found = try warnings(ranks: 8, "optimizer.batchSize=5")
        XCTAssertEqual(
            found.first, "optimizer.batchSize 5 on 8 ranks: 3 ranks have no image in a batch. Use fewer ranks, or at least 8 images")
        let parts = try warnings(ranks: 8, "optimizer.batchSize=14", "optimizer.accumulationSteps=2")
        XCTAssertTrue(
            parts.first?.contains("1 rank has no image in a micro-batch. Use fewer ranks, or at least 16 images") ?? false, "\(parts)")
        XCTAssertTrue(try warnings(ranks: 6, "resolutions=[96,48]").first?.hasPrefix("resolutions: 48 is not a multiple") ?? false)
    }
}
