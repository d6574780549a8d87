import Foundation
import XCTest

@testable import Training

final class DivergenceMonitorTests: XCTestCase {
    private let guess = DivergenceMonitor.guessingLoss(classCount: 10, weights: [])

    private func monitor(_ losses: [Double?], factor: Double = 10) -> DivergenceMonitor {
        var monitor = DivergenceMonitor()
        for (step, loss) in losses.enumerated() {
            if let loss {
                monitor.add(loss: loss, after: step, guess: guess, factor: factor)
            } else {
                monitor.skip(after: step)
            }
        }
        return monitor
    }

    func testALossThatFallsOrFluctuatesIsSound() {
        let losses = (0..<200).map { (step: Int) -> Double in
            let outlier: Double = step % 7 == 0 ? 1 : 0
            return 2.3 * exp(-Double(step) / 50) + outlier
        }
        let found = monitor(losses)
        XCTAssertEqual(found.explodedSteps, 0)
        XCTAssertNil(found.doubtfulSince)
    }

    func testALossFarAboveGuessingIsCountedInARow() {
        let found = monitor([2, 1, 30, 40, 50])
        XCTAssertEqual(found.explodedSteps, 3)
        XCTAssertEqual(found.doubtfulSince, 2, "the weights after two steps gave the first such loss")
        XCTAssertEqual(monitor([2, 1, 30, 40, 1]).explodedSteps, 0)
        XCTAssertNil(monitor([2, 1, 30, 40, 1]).doubtfulSince)
    }

    /// Class weights and hard data have large losses from the beginning.
    func testTheLimitFollowsTheMeanLossAndTheLargestClassWeight() {
        XCTAssertEqual(monitor([20, 40, 100, 150]).explodedSteps, 0, "limit \(10 * 20)")
        XCTAssertEqual(DivergenceMonitor.guessingLoss(classCount: 10, weights: [0.5, 7]), 7 * log(10), accuracy: 1e-12)
        XCTAssertEqual(DivergenceMonitor.guessingLoss(classCount: 1, weights: []), log(2), accuracy: 1e-12)
    }

    func testAnExplodedLossDoesNotMoveTheMean() {
        let before = monitor([2, 1]).meanLoss
        XCTAssertEqual(monitor([2, 1, 1e30, 1e30]).meanLoss, before)
    }

    func testSkippedStepsAreCountedInARow() {
        let found = monitor([2, nil, nil])
        XCTAssertEqual(found.skippedSteps, 2)
        XCTAssertEqual(found.doubtfulSince, 1)
        XCTAssertEqual(monitor([2, nil, nil, 2]).skippedSteps, 0)
        XCTAssertNil(monitor([2, nil, nil, 2]).doubtfulSince)
        XCTAssertEqual(monitor([2, nil, 1e9]).doubtfulSince, 1, "doubtful from the first of them")
    }

    func testAFactorOfZeroDisablesTheLimit() {
        XCTAssertEqual(monitor([1, 1e9, 1e9], factor: 0).explodedSteps, 0)
    }

    func testTheErrorNamesTheRankItsImagesAndASoundCheckpoint() {
        let parts = [
            StepFault.Part(host: "node1", lossIsFinite: true, files: ["train/a/1.jpg"], images: 1),
            StepFault.Part(host: "node2", lossIsFinite: false, files: ["train/a/2.jpg", "train/b/3.jpg"], images: 5),
        ]
        let fault = StepFault(ranks: parts, loss: .nan, gradientNorm: .nan)
        var error = DivergenceError(
            kind: .notFinite(steps: 4, fault: fault), stage: "warmUp", epoch: 2, step: 17, learningRates: [0.1], soundCheckpoint: 12)
        for part in [
            "training diverged at step 17 (stage warmUp, epoch 2", "rank 1 on node2 (images train/a/2.jpg, train/b/3.jpg and 3 more)",
            "4 such steps in a row", "--resume-from 12",
        ] { XCTAssertTrue("\(error)".contains(part), "\(error)") }
        XCTAssertFalse("\(error)".contains("node1"), "\(error)")
        error.soundCheckpoint = nil
        XCTAssertTrue("\(error)".contains("--restart"), "\(error)")
        let gradient = StepFault(ranks: [parts[0]], loss: 1, gradientNorm: .infinity)
        XCTAssertTrue("\(gradient)".contains("the gradient is not finite (norm inf)"), "\(gradient)")
        XCTAssertTrue("\(gradient)".contains("rank 0 on node1 (images train/a/1.jpg)"), "\(gradient)")
    }
}
