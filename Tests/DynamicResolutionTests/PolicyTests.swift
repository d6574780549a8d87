import TestSupport
import XCTest
@testable import DynamicResolution

final class PolicyTests: XCTestCase {
    private let costs = [90.0, 40, 10]

    func testTheHingeActsOnlyAboveTheTarget() {
        let regularizer = FLOPsRegularizer(weight: 2, target: 50, costs: costs)
        XCTAssertEqual(regularizer.value(mean: 49), 0)
        XCTAssertEqual(regularizer.value(mean: 58), 0.1, accuracy: 1e-12)
        XCTAssertEqual(regularizer.weightGradient(mean: 49, globalCount: 4), [0, 0, 0])
        assertClose(regularizer.weightGradient(mean: 58, globalCount: 4), [0.5625, 0.25, 0.0625], "gradient")
    }

    func testTheRouterKeepsTheOrderAndLeavesSubBatchesEmpty() {
        XCTAssertEqual(Router.subBatches(choices: [2, 0, 2, 0], resolutionCount: 3), [[1, 3], [], [0, 2]])
    }

    func testCostWeightsMoveTheChoiceBetweenTheLargestAndTheSmallest() {
        let logits = Formula.values("z", 300).map { 5 * $0 }
        let logProbabilities = GumbelSoftmax.logSoftmax(logits, columns: 3)
        func choices(_ costWeight: Double) -> [Int] {
            Router.choices(logProbabilities: logProbabilities, costs: [1, 0.5, 0.1], costWeight: costWeight)
        }
        let own = GumbelSoftmax.argmax(logits, columns: 3)
        XCTAssertEqual(Set(own), [0, 1, 2])
        for small in [0, 1e-9, -1e-9] { XCTAssertEqual(choices(small), own, "λ = \(small)") }
        XCTAssertEqual(choices(1e3), [Int](repeating: 2, count: 100))
        XCTAssertEqual(choices(-1e3), [Int](repeating: 0, count: 100))
        XCTAssertFalse([own, choices(1e3)].contains(choices(3)), "something between")
    }

    func testACostWeightIsWeighedAgainstLogProbabilities() {
        let logProbabilities = [log(0.6), log(0.4)]
        let change = log(0.6 / 0.4) / 0.75
        for (costWeight, choice) in [(0, 0), (change - 1e-9, 0), (change + 1e-9, 1)] {
            XCTAssertEqual(Router.choices(logProbabilities: logProbabilities, costs: [1, 0.25], costWeight: costWeight), [choice])
        }
        XCTAssertEqual(Router.choices(logProbabilities: [-1, -1, -1], costs: [1, 1, 1], costWeight: 2), [0], "the first of equal ones")
    }

    func testTheLogSoftmaxKeepsTheOrderOfCloseLogits() {
        let logits: [Float] = [20, Float(20).nextUp, 3, -90]
        let values = GumbelSoftmax.logSoftmax(logits, columns: 4)
        XCTAssertLessThan(values[0], values[1])
        XCTAssertEqual(values.reduce(0) { $0 + exp($1) }, 1, accuracy: 1e-12)
        XCTAssertEqual(values[3] - values[2], -93, accuracy: 1e-9)
    }

    func testTheRelaxationsGradientIsItsDerivative() {
        let (logits, noise) = (Formula.values("z", 6), Formula.values("g", 6))
        let weights = Formula.values("w", 6)
        func value(_ logits: [Float]) -> Float {
            let s = GumbelSoftmax.probabilities(logits: logits, noise: noise, temperature: 0.6, columns: 3)
            return zip(s, weights).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let probabilities = GumbelSoftmax.probabilities(logits: logits, noise: noise, temperature: 0.6, columns: 3)
        let gradient = GumbelSoftmax.logitGradient(
            probabilities: probabilities, gradient: weights, temperature: 0.6, columns: 3)
        assertClose(differences(logits, value), gradient, relativeTolerance: 0.01, absoluteTolerance: 1e-3, "softmax")
    }

    func testTheExpectedEstimatorsGradientIsTheDerivativeOfTheExpectation() {
        let (images, columns) = (4, 3)
        let logits = Formula.values("z", images * columns)
        let losses = Formula.values("losses", images * columns).map { 1 + $0 }
        let regularizer = FLOPsRegularizer(weight: 0.7, target: 20, costs: costs)
        func mean(_ weights: [Float]) -> Double {
            weights.enumerated().reduce(0) { $0 + Double($1.element) * costs[$1.offset % columns] } / Double(images)
        }
        func objective(_ logits: [Float]) -> Float {
            let weights = GumbelSoftmax.softmax(logits, columns: columns)
            let loss = zip(weights, losses).reduce(Float(0)) { $0 + $1.0 * $1.1 } / Float(images)
            return loss + Float(regularizer.weight * regularizer.value(mean: mean(weights)))
        }
        let input = PolicyInput(logits: logits, noise: Formula.values("g", 12), temperature: 1, columns: columns)
        let decision = Expected().decide(input)
        let outcome = PolicyOutcome(
            gateGradients: [], losses: losses,
            costGradient: regularizer.weightGradient(mean: mean(decision.costWeights), globalCount: images), globalCount: images)
        assertClose(
            differences(logits, objective), Expected().logitGradient(input, decision, outcome), relativeTolerance: 0.01,
            absoluteTolerance: 1e-3, "expected")
    }

    func testChoicesFollowTheNoise() {
        let noise: [Float] = [0, 9, 0, 0, 0, 9]
        let input = PolicyInput(logits: [1, 0, 0, 1, 0, 0], noise: noise, temperature: 1, columns: 3)
        for estimator in [StraightThrough(), Expected()] as [PolicyEstimator] {
            XCTAssertEqual(estimator.decide(input).choices, [1, 2], estimator.name)
        }
        XCTAssertEqual(GumbelSoftmax.argmax([1, 3, 3, 0, 0, 0], columns: 3), [1, 0], "the first of equal ones")
    }

    func testNoiseBelongsToTheImage() {
        let all = GumbelSoftmax.noise(seed: 1, epoch: 2, sampleIndices: [5, 6, 7], columns: 3)
        XCTAssertEqual(GumbelSoftmax.noise(seed: 1, epoch: 2, sampleIndices: [6], columns: 3), Array(all[3..<6]))
        XCTAssertNotEqual(GumbelSoftmax.noise(seed: 1, epoch: 3, sampleIndices: [5, 6, 7], columns: 3), all)
        let many = GumbelSoftmax.noise(seed: 1, epoch: 0, sampleIndices: Array(0..<20_000), columns: 1)
        XCTAssertEqual(many.reduce(0, +) / 20_000, 0.5772, accuracy: 0.03, "the mean is Euler's constant")
    }

    func testTheModelWarnsOfResolutionsThatWasteWork() {
        let flops = FLOPsModel(resolutions: [224, 168], classifier: [4.09, 2.5], predictor: 0)
        XCTAssertEqual(flops.unevenResolutions.map(\.resolution), [168])
        XCTAssertEqual(flops.unevenResolutions[0].costShare, 0.61, accuracy: 0.005)
        XCTAssertEqual(flops.unevenResolutions[0].pixelShare, 0.5625, accuracy: 1e-9)
    }

    private func differences(_ values: [Float], _ function: ([Float]) -> Float) -> [Float] {
        values.indices.map { index in
            var (up, down) = (values, values)
            up[index] += 0.01
            down[index] -= 0.01
            return (function(up) - function(down)) / 0.02
        }
    }
}
