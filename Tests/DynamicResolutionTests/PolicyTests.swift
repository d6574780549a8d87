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

    func testTwoSidedAndLagrangianPenaltiesAlsoActBelowTheTarget() {
        let twoSided = FLOPsRegularizer(.twoSided, weight: 2, target: 50, costs: costs)
        XCTAssertEqual(twoSided.value(mean: 42), 0.1, accuracy: 1e-12)
        XCTAssertEqual(twoSided.value(mean: 58), 0.1, accuracy: 1e-12)
        XCTAssertEqual(twoSided.weightGradient(mean: 50, globalCount: 4), [0, 0, 0])
        let lagrangian = FLOPsRegularizer(.lagrangian, weight: 2, target: 50, costs: costs)
        XCTAssertEqual(lagrangian.value(mean: 42), -0.1, accuracy: 1e-12)
        XCTAssertEqual(FLOPsRegularizer(weight: 2, target: 50, costs: costs).excess(mean: 42), -0.1, accuracy: 1e-12)
    }

    func testPenaltyGradientsMatchFiniteDifferences() {
        let weights: [Float] = Formula.values("weights", 12).map { 0.5 + 0.3 * $0 }
        for penalty in FLOPsPenalty.allCases {
            for target in [10.0, 200] {
                let regularizer = FLOPsRegularizer(penalty, weight: 0.7, target: target, costs: costs)
                func mean(_ weights: [Float]) -> Double {
                    weights.enumerated().reduce(0) { $0 + Double($1.element) * costs[$1.offset % 3] } / 4
                }
                let expected = differences(weights) { Float(regularizer.weight * regularizer.value(mean: mean($0))) }
                let gradient = regularizer.weightGradient(mean: mean(weights), globalCount: 4)
                assertClose(
                    (0..<12).map { gradient[$0 % 3] }, expected, relativeTolerance: 0.01, absoluteTolerance: 1e-3, "\(penalty) at \(target)"
                )
            }
        }
    }

    func testPolicyTermsGradientMatchesFiniteDifferences() {
        let logits = Formula.values("z", 12).map { 2 * $0 }
        // The policies of the four other images of the global batch.
        let others = Logits.softmax(Formula.values("others", 12), columns: 3)
        func meanPolicy(_ policy: [Float]) -> [Double] {
            (0..<3).map { column in
                stride(from: column, to: 12, by: 3).reduce(0) { $0 + Double(policy[$1] + others[$1]) } / 8
            }
        }
        for terms in [
            PolicyTerms(balanceWeight: 0.8), PolicyTerms(entropyWeight: 0.6), PolicyTerms(balanceWeight: 0.8, entropyWeight: 0.6),
        ] {
            func value(_ logits: [Float]) -> Float {
                let policy = Logits.softmax(logits, columns: 3)
                let decision = PolicyDecision(choices: [], costWeights: [], policy: policy + others)
                return Float(terms.value(meanPolicy: meanPolicy(policy), meanEntropy: decision.entropy(columns: 3) / 8))
            }
            let policy = Logits.softmax(logits, columns: 3)
            let gradient = terms.logitGradient(policy: policy, meanPolicy: meanPolicy(policy), globalCount: 8)
            assertClose(gradient, differences(logits, value), relativeTolerance: 0.01, absoluteTolerance: 2e-4, "\(terms)")
        }
    }

    func testPolicyTermsAreZeroForAUniformPolicyAndFiniteForACertainOne() {
        let uniform = [Float](repeating: 1 / 3, count: 6)
        let terms = PolicyTerms(balanceWeight: 1, entropyWeight: 1)
        assertClose(
            terms.logitGradient(policy: uniform, meanPolicy: [1 / 3.0, 1 / 3, 1 / 3], globalCount: 2), [0, 0, 0, 0, 0, 0], "uniform")
        XCTAssertEqual(terms.value(meanPolicy: [1 / 3.0, 1 / 3, 1 / 3], meanEntropy: 0), 0, accuracy: 1e-12)
        XCTAssertEqual(terms.value(meanPolicy: [1, 0, 0], meanEntropy: 0), log(3), accuracy: 1e-12)
        XCTAssertEqual(terms.logitGradient(policy: [1, 0, 0], meanPolicy: [1, 0, 0], globalCount: 1), [0, 0, 0])
    }

    func testRouterKeepsTheOrderAndAllowsEmptySubBatches() {
        XCTAssertEqual(Router.subBatches(choices: [2, 0, 2, 0], resolutionCount: 3), [[1, 3], [], [0, 2]])
    }

    func testCostWeightsMoveTheChoiceBetweenTheLargestAndTheSmallest() {
        let logits = Formula.values("z", 300).map { 5 * $0 }
        let logProbabilities = Logits.logSoftmax(logits, columns: 3)
        func choices(_ costWeight: Double) -> [Int] {
            Router.choices(scores: logProbabilities, costs: [1, 0.5, 0.1], costWeight: costWeight)
        }
        let own = Logits.argmax(logits, columns: 3)
        XCTAssertEqual(Set(own), [0, 1, 2])
        for small in [0, 1e-9, -1e-9] { XCTAssertEqual(choices(small), own, "λ = \(small)") }
        XCTAssertEqual(choices(1e3), [Int](repeating: 2, count: 100))
        XCTAssertEqual(choices(-1e3), [Int](repeating: 0, count: 100))
        XCTAssertFalse([own, choices(1e3)].contains(choices(3)), "something between")
    }

    func testCostWeightsAreComparedWithLogProbabilities() {
        let logProbabilities = [log(0.6), log(0.4)]
        let change = log(0.6 / 0.4) / 0.75
        for (costWeight, choice) in [(0, 0), (change - 1e-9, 0), (change + 1e-9, 1)] {
            XCTAssertEqual(Router.choices(scores: logProbabilities, costs: [1, 0.25], costWeight: costWeight), [choice])
        }
        XCTAssertEqual(Router.choices(scores: [-1, -1, -1], costs: [1, 1, 1], costWeight: 2), [0], "the first of equal values")
    }

    func testLogSoftmaxKeepsTheOrderOfCloseLogits() {
        let logits: [Float] = [20, Float(20).nextUp, 3, -90]
        let values = Logits.logSoftmax(logits, columns: 4)
        XCTAssertLessThan(values[0], values[1])
        XCTAssertEqual(values.reduce(0) { $0 + exp($1) }, 1, accuracy: 1e-12)
        XCTAssertEqual(values[3] - values[2], -93, accuracy: 1e-9)
    }

    func testRelaxationGradientMatchesFiniteDifferences() {
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

    func testChoicesFollowTheNoise() {
        let noise: [Float] = [0, 9, 0, 0, 0, 9]
        let input = PolicyInput(
            logits: [1, 0, 0, 1, 0, 0], noise: PolicyNoise(gumbel: noise, probes: [0, 1]), temperature: 1, columns: 3)
        for (name, estimator, _) in ReferenceCase.estimators where name != "regression" {
            XCTAssertEqual(estimator.decide(input).choices, [1, 2], name)
        }
        XCTAssertEqual(Probe().decide(input).probes, [0, 1], "the probe counts the other resolutions in order")
        XCTAssertEqual(Logits.argmax([1, 3, 3, 0, 0, 0], columns: 3), [1, 0], "the first of equal values")
    }

    func testNoiseDependsOnTheImageAndTheEpoch() {
        let all = GumbelSoftmax.noise(seed: 1, epoch: 2, sampleIndices: [5, 6, 7], columns: 3)
        XCTAssertEqual(GumbelSoftmax.noise(seed: 1, epoch: 2, sampleIndices: [6], columns: 3), Array(all[3..<6]))
        XCTAssertNotEqual(GumbelSoftmax.noise(seed: 1, epoch: 3, sampleIndices: [5, 6, 7], columns: 3), all)
        let many = GumbelSoftmax.noise(seed: 1, epoch: 0, sampleIndices: Array(0..<20_000), columns: 1)
        XCTAssertEqual(many.reduce(0, +) / 20_000, 0.5772, accuracy: 0.03, "the mean is Euler's constant")
    }

    func testProbesAreUniformOverTheOtherResolutions() {
        let count = 30_000
        let noise = PolicyNoise(seed: 1, epoch: 0, sampleIndices: Array(0..<count), columns: 4)
        let part = PolicyNoise(seed: 1, epoch: 0, sampleIndices: [17, 18], columns: 4)
        XCTAssertEqual(part.probes, Array(noise.probes[17...18]), "probes depend on the image")
        let logits = (0..<count).flatMap { _ in [2, 0, 1, 0] as [Float] }
        let decision = Probe().decide(PolicyInput(logits: logits, noise: noise, temperature: 1, columns: 4))
        var pairs = [Double](repeating: 0, count: 16)
        for (choice, probe) in zip(decision.choices, decision.probes) { pairs[4 * choice + probe] += 1 / Double(count) }
        for choice in 0..<4 {
            for probe in 0..<4 {
                let expected = choice == probe ? 0 : Double(decision.policy[choice]) / 3
                XCTAssertEqual(pairs[4 * choice + probe], expected, accuracy: 0.012, "\(choice) and \(probe)")
            }
        }
    }

    func testASingleResolutionNeedsNoChoice() {
        let noise = PolicyNoise(seed: 1, epoch: 0, sampleIndices: [3, 4], columns: 1)
        let input = PolicyInput(logits: [1, 2], noise: noise, temperature: 1, columns: 1)
        for (name, estimator, _) in ReferenceCase.estimators {
            let decision = estimator.decide(input)
            XCTAssertEqual(decision.choices, [0, 0], name)
            var outcome = PolicyOutcome(images: 2, costGradient: [0.3], globalCount: 2)
            (outcome.losses, outcome.gateGradients) = ([1, 2], [1, 2])
            XCTAssertEqual(estimator.logitGradient(input, decision, outcome), [0, 0], name)
        }
    }

    func testFLOPsModelReportsUnevenResolutions() {
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
