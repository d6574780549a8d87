import XCTest

@testable import Training

final class RemainingTimeTests: XCTestCase {
    /// A stage of epochs with steps, saves and evaluations, on a clock of its own.
    private func simulate(
        epochs: Int, steps: Int, evaluationEvery: Int, stepSeconds: (Int) -> Double,
        check: (_ estimate: Double?, _ truth: Double, Int) -> Void
    ) {
        var (remaining, time, estimates) = (RemainingTime(), 0.0, [(time: Double, seconds: Double?, step: Int)]())
        var number = 0
        for epoch in 1...epochs {
            for step in 1...steps {
                number += 1
                time += stepSeconds(number)
                // A checkpoint after every fourth step, which no step's duration contains.
                if step % 4 == 0 { time += 3 }
                remaining.addStep(images: 10, at: time)
                let left = (epoch...epochs).filter { $0 % evaluationEvery == 0 || $0 == epochs }.count
                let images = 10.0 * Double((epochs - epoch + 1) * steps - step)
                estimates.append((time, remaining.seconds(images: images, evaluations: left, epochs: epochs - epoch + 1), number))
            }
            remaining.beginPause(at: time)
            time += 1
            let isEvaluation = epoch % evaluationEvery == 0 || epoch == epochs
            if isEvaluation { time += 40 }
            remaining.endPause(isEvaluation: isEvaluation, at: time)
        }
        for estimate in estimates { check(estimate.seconds, time - estimate.time, estimate.step) }
    }

    func testTheEstimateIsRightOnceAnEpochAndAnEvaluationWereSeen() {
        simulate(epochs: 6, steps: 40, evaluationEvery: 2, stepSeconds: { _ in 1 }) { estimate, truth, step in
            guard step > 80, truth > 60 else { return }
            XCTAssertEqual(estimate ?? .nan, truth, accuracy: 0.06 * truth, "step \(step)")
        }
    }

    func testTheEstimateBeforeTheFirstEvaluationLacksItOnly() {
        simulate(epochs: 2, steps: 40, evaluationEvery: 1, stepSeconds: { _ in 1 }) { estimate, truth, step in
            guard (20...40).contains(step) else { return }
            XCTAssertEqual(estimate ?? .nan, truth - 2 * 41, accuracy: 0.1 * truth, "step \(step)")
        }
    }

    func testTheEstimateFollowsStepsThatBecomeSlower() {
        simulate(epochs: 1, steps: 1000, evaluationEvery: 1, stepSeconds: { $0 > 300 ? 4 : 1 }) { estimate, truth, step in
            guard (400...980).contains(step) else { return }
            XCTAssertEqual(estimate ?? .nan, truth - 41, accuracy: 0.05 * truth + 5, "step \(step)")
        }
    }

    func testOneStepSaysNothing() {
        var remaining = RemainingTime()
        XCTAssertNil(remaining.seconds(images: 10, evaluations: 0, epochs: 1))
        remaining.addStep(images: 10, at: 5)
        XCTAssertNil(remaining.seconds(images: 10, evaluations: 0, epochs: 1))
        remaining.addStep(images: 10, at: 7)
        XCTAssertEqual(remaining.seconds(images: 10, evaluations: 0, epochs: 1), 2)
        remaining.beginStage()
        XCTAssertNil(remaining.seconds(images: 10, evaluations: 0, epochs: 1))
    }
}
