import TestSupport
import XCTest

@testable import DynamicResolution

/// Compares each estimator with the exact gradient. All outcomes can be enumerated: a table holds the classifier's logits for each image
/// and each of m = 3 resolutions.
final class PolicyEstimatorTests: XCTestCase {
    func testExpectedEstimatorMatchesTheExactGradient() {
        for weight in [0, 0.7] {
            let table = Table.mixed(flopsWeight: weight)
            let input = table.input(PolicyNoise(seed: 1, epoch: 0, sampleIndices: [0, 1, 2], columns: 3))
            assertClose(
                table.gradient(Expected(), input), table.exactGradient, relativeTolerance: 1e-4, absoluteTolerance: 1e-6, "expected")
        }
    }

    func testProbeMeanOverAllOutcomesMatchesTheExactGradient() {
        for table in [Table.mixed(flopsWeight: 0.7), .dominated] {
            var mean = [Float](repeating: 0, count: table.logits.count)
            // The images are independent, so all can have the same (choice, probe) pair at once.
            for choice in 0..<3 {
                for draw in 0..<2 {
                    let forced = (0..<table.logits.count).map { Float($0 % 3 == choice ? 100 : 0) }
                    let input = table.input(PolicyNoise(gumbel: forced, probes: table.labels.map { _ in draw }))
                    let gradient = table.gradient(Probe(), input)
                    for index in mean.indices { mean[index] += input.policy[index / 3 * 3 + choice] / 2 * gradient[index] }
                }
            }
            assertClose(mean, table.exactGradient, relativeTolerance: 1e-4, absoluteTolerance: 1e-6, "probe")
        }
    }

    func testProbeMeanOverDrawsMatchesTheExactGradientWithinSamplingError() {
        let table = Table.mixed(flopsWeight: 0.7)
        let (mean, error) = table.mean(Probe(), draws: 20_000)
        for (index, exact) in table.exactGradient.enumerated() {
            XCTAssertEqual(mean[index], exact, accuracy: 4.5 * error[index] + 1e-6, "logit \(index)")
            XCTAssertLessThan(error[index], 0.004, "the sampling error must be small")
        }
    }

    func testDenseAlignsWithTheExactGradientBetterThanStraightThrough() {
        let table = Table.mixed(flopsWeight: 0)
        XCTAssertGreaterThan(cosine(table.mean(Dense(), draws: 4000).mean, table.exactGradient), 0.95)
        XCTAssertLessThan(cosine(table.mean(StraightThrough(), draws: 4000).mean, table.exactGradient), 0.9)
    }

    /// The dominating resolution is the worst one for the image, but better than zero logits. Its probability should decrease.
    func testStraightThroughHasTheWrongSignWhereOneResolutionDominates() {
        let table = Table.dominated
        XCTAssertGreaterThan(table.exactGradient[0], 0.01)
        for (estimator, sign) in [(StraightThrough(), -1), (Dense(), 1), (Expected(), 1), (Probe(), 1)] as [(PolicyEstimator, Float)] {
            let (mean, error) = table.mean(estimator, draws: 4000)
            XCTAssertGreaterThan(sign * mean[0], 4 * error[0], estimator.name)
        }
    }

    /// Σ_ij (z_ij − ℓ_ij)² / (N m), by central differences.
    func testRegressionMatchesTheExactGradientOfItsSquaredError() {
        let table = Table.mixed(flopsWeight: 0.7)
        let input = table.input(PolicyNoise(seed: 1, epoch: 0, sampleIndices: [0, 1, 2], columns: 3))
        assertClose(
            table.gradient(Regression(), input), table.exactRegressionGradient, relativeTolerance: 1e-4, absoluteTolerance: 1e-6,
            "regression")
    }

    func testRegressionChoosesTheSmallestSumOfPredictedLossAndPrice() {
        let noise = PolicyNoise(seed: 1, epoch: 0, sampleIndices: [0, 1], columns: 3)
        func choices(_ penalties: [Float]) -> [Int] {
            Regression().decide(
                PolicyInput(logits: [0.2, 0.3, 0.9, 0.5, 0.5, 0.6], noise: noise, temperature: 1, penalties: penalties, columns: 3)
            ).choices
        }
        XCTAssertEqual(choices([0, 0, 0]), [0, 0], "the smallest loss; of equal ones the first")
        XCTAssertEqual(choices([0.3, 0.15, 0]), [1, 2])
        XCTAssertEqual(choices([3, 1.5, 0]), [2, 2])
        let regularizer = FLOPsRegularizer(weight: 0.4, target: 20, costs: Table.costs)
        assertClose(regularizer.penalties, [0.45, 0.2, 0.05], relativeTolerance: 1e-6, absoluteTolerance: 0, "η C / (C_max − C_min)")
    }

    private func cosine(_ first: [Float], _ second: [Float]) -> Float {
        func product(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        return product(first, second) / (product(first, first) * product(second, second)).squareRoot()
    }
}

/// The classifier's logits for all outcomes.
private struct Table {
    /// The predictor's logits [image × resolution].
    var logits: [Float]
    /// The classifier's logits [image × resolution × class].
    var scores: [Float]
    var labels: [Int]
    var flopsWeight: Double
    static let classes = 4
    static let costs = [90.0, 40, 10]

    /// Three images with a different best resolution each.
    static func mixed(flopsWeight: Double) -> Table {
        var scores = Formula.values("scores", 3 * 3 * classes)
        for image in 0..<3 {
            for resolution in 0..<3 { scores[(image * 3 + resolution) * classes + image] += (image + resolution) % 3 == 0 ? 3 : 1 }
        }
        return Table(logits: Formula.values("z", 9), scores: scores, labels: [0, 1, 2], flopsWeight: flopsWeight)
    }

    /// One image. The first resolution is almost always chosen. It is correct, but less confident than the others.
    static let dominated = Table(
        logits: [4, 0, 0], scores: [1.5, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0], labels: [0], flopsWeight: 0)

    func input(_ noise: PolicyNoise) -> PolicyInput { PolicyInput(logits: logits, noise: noise, temperature: 1, columns: 3) }

    private var regularizer: FLOPsRegularizer { FLOPsRegularizer(weight: flopsWeight, target: 20, costs: Self.costs) }

    /// Returns dL/dz of one draw, from the values that the estimator can access.
    func gradient(_ estimator: PolicyEstimator, _ input: PolicyInput) -> [Float] {
        let decision = estimator.decide(input)
        let meanCost = decision.cost(Self.costs) / Double(labels.count)
        var outcome = PolicyOutcome(
            images: labels.count, costGradient: regularizer.weightGradient(mean: meanCost, globalCount: labels.count),
            globalCount: labels.count)
        for (image, choice) in decision.choices.enumerated() {
            let slopes = slopes(image, choice)
            for resolution in 0..<3 {
                let isChosen = resolution == choice
                let isProbed = decision.probes.indices.contains(image) && decision.probes[image] == resolution
                let index = image * 3 + resolution
                if isChosen || estimator.computed == .all {
                    outcome.gateGradients[index] = zip(slopes, row(image, resolution)).reduce(0) { $0 + Float($1.0) * $1.1 }
                }
                if isChosen || isProbed || estimator.computed == .chosenAndLosses || estimator.computed == .everyLoss {
                    outcome.losses[index] = Float(loss(image, resolution))
                }
            }
        }
        return estimator.logitGradient(input, decision, outcome)
    }

    /// Returns the mean over draws of the noise, and its standard error.
    func mean(_ estimator: PolicyEstimator, draws: Int) -> (mean: [Float], error: [Float]) {
        var (sum, squares) = ([Double](repeating: 0, count: logits.count), [Double](repeating: 0, count: logits.count))
        for draw in 0..<draws {
            let noise = PolicyNoise(seed: 7, epoch: draw, sampleIndices: Array(labels.indices), columns: 3)
            for (index, value) in gradient(estimator, input(noise)).enumerated() {
                sum[index] += Double(value)
                squares[index] += Double(value) * Double(value)
            }
        }
        let count = Double(draws)
        let errors = zip(sum, squares).map { (max($1 / count - $0 / count * $0 / count, 0) / count).squareRoot() }
        return (sum.map { Float($0 / count) }, errors.map { Float($0) })
    }

    /// The exact gradient: central differences of the objective over all possible routes.
    var exactGradient: [Float] {
        logits.indices.map { index in
            var (up, down) = (logits.map(Double.init), logits.map(Double.init))
            up[index] += 1e-5
            down[index] -= 1e-5
            return Float((objective(up) - objective(down)) / 2e-5)
        }
    }

    var exactRegressionGradient: [Float] {
        func objective(_ logits: [Double]) -> Double {
            logits.indices.reduce(0) { $0 + pow(logits[$1] - loss($1 / 3, $1 % 3), 2) } / Double(logits.count)
        }
        return logits.indices.map { index in
            var (up, down) = (logits.map(Double.init), logits.map(Double.init))
            up[index] += 1e-5
            down[index] -= 1e-5
            return Float((objective(up) - objective(down)) / 2e-5)
        }
    }

    /// Returns the mean over all outcomes of the mean loss, plus the regulariser at the mean cost.
    private func objective(_ logits: [Double]) -> Double {
        let count = labels.count
        let policies = (0..<count).map { softmax(Array(logits[3 * $0..<3 * $0 + 3])) }
        var expected = 0.0
        for outcome in 0..<Int(pow(3, Double(count))) {
            let choices = (0..<count).map { outcome / Int(pow(3, Double($0))) % 3 }
            let probability = choices.enumerated().reduce(1) { $0 * policies[$1.offset][$1.element] }
            let loss = choices.enumerated().reduce(0) { $0 + self.loss($1.offset, $1.element) } / Double(count)
            expected += probability * loss
        }
        let cost = policies.reduce(0) { $0 + zip($1, Self.costs).reduce(0) { $0 + $1.0 * $1.1 } } / Double(count)
        return expected + flopsWeight * regularizer.value(mean: cost)
    }

    private func row(_ image: Int, _ resolution: Int) -> [Float] {
        let start = (image * 3 + resolution) * Self.classes
        return Array(scores[start..<start + Self.classes])
    }

    private func loss(_ image: Int, _ resolution: Int) -> Double {
        -log(softmax(row(image, resolution).map(Double.init))[labels[image]])
    }

    /// Returns dL/dŷ.
    private func slopes(_ image: Int, _ resolution: Int) -> [Double] {
        var slopes = softmax(row(image, resolution).map(Double.init))
        slopes[labels[image]] -= 1
        return slopes.map { $0 / Double(labels.count) }
    }

    private func softmax(_ values: [Double]) -> [Double] {
        let exponentials = values.map { exp($0) }
        return exponentials.map { $0 / exponentials.reduce(0, +) }
    }
}
