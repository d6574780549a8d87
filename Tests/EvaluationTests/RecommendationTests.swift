import DynamicResolution
import Inference
import NeuralNetwork
import TestSupport
import XCTest

@testable import Configuration
@testable import Evaluation

/// What is recommended, on images whose results are made by hand.
final class RecommendationTests: XCTestCase {
    private let resolutions = [96, 64, 32]
    private let conditions = CostTable.Conditions(batchSize: 64, threads: 2, processor: "test")

    /// A network whose weights play no part: the results of the images are given.
    private func model(hasPredictor: Bool, costs: ImageCosts? = nil) -> FrozenDRNet {
        let options = BackboneOptions(width: 0.05)
        let architecture = Backbone(rawValue: "resnet18")!.architecture(options)
        func network(_ outputs: Int, _ count: Int?) -> Network {
            let network = Network(
                NetworkDefinition(architecture: architecture, outputs: outputs, resolutionCount: count, batchNormEpsilon: 1e-5))
            network.arena.initialize(seed: 1, stream: 0)
            return network
        }
        return FrozenDRNet(
            DRNet(
                resolutions: resolutions, classifier: network(10, 3), decider: hasPredictor ? .network(inputSize: 8) : nil,
                predictor: hasPredictor ? network(3, nil) : nil, classCount: 10, costs: costs))
    }

    private func image(_ sample: Int, right: [Bool], confidence: Float, scores: [Double] = []) -> ImageResult {
        let ranks = right.map { $0 ? 0 : 1 }
        return ImageResult(
            sample: sample, label: 0, choice: 0, predicted: 0, labelRank: ranks[0], fixedLabelRanks: ranks, fixedPredictions: ranks,
            topProbabilities: [0.9, 0.8, confidence], scores: scores)
    }

    /// A quarter of the images needs the largest resolution; 5 % are wrong everywhere. The small resolution is unsure of exactly these if
    /// `isHonest`.
    private func images(_ count: Int, isHonest: Bool, knows: Bool = false) -> [ImageResult] {
        let noise = Formula.values("confidence", count)
        return (0..<count).map { index in
            let (isHard, isHopeless) = (index % 4 == 1, index % 20 == 0)
            let right = isHopeless ? [false, false, false] : [true, !isHard || index % 8 == 1, !isHard]
            let doubt: Float = isHonest ? (isHard ? 0.6 : 0.1) : 0.4
            let score = knows ? (isHard ? 1.0 : -1.0) : Double(noise[index])
            return image(
                index, right: right, confidence: 1 - doubt + 0.05 * noise[index], scores: [score, -2 * abs(score) - 1, -score])
        }
    }

    private func recommend(
        _ results: [ImageResult], hasPredictor: Bool = false, budget: Budget? = nil, costs: ImageCosts? = nil,
        table: CostTable? = nil
    ) throws -> Recommendation {
        try Recommendation(
            Evaluator.Outcome(results: results, speed: .init(dynamic: nil, fixedLargest: nil), milliseconds: nil),
            model: model(hasPredictor: hasPredictor, costs: costs), measured: conditions, table: table, budget: budget)
    }

    func testAConfidentCascadeIsRecommendedAndItsCostIsTheSum() throws {
        let recommendation = try recommend(images(800, isHonest: true))
        let measure = recommendation.asGood.measure
        XCTAssertEqual(measure.way, .thresholdCascade, recommendation.text())
        XCTAssertEqual(measure.overLargest.value, 0, accuracy: 1e-9)
        XCTAssertGreaterThan(measure.overRandomMix.low, 0.05)
        // Every image at 32, and a quarter at 96, too. The limits are steps of a tenth.
        let costs = recommendation.ways[1].costs
        let least = (costs.classifier[2] + 0.25 * costs.classifier[0]) / costs.largest
        XCTAssertLessThan(measure.costShare, least + 0.1)
        XCTAssertGreaterThan(measure.costShare, least - 1e-9)
        XCTAssertTrue(recommendation.text().contains("take the threshold cascade with λ = "), recommendation.text())
        XCTAssertTrue(recommendation.text().contains("2000 paired resamples"))
    }

    /// The confidence says nothing about the difficulty: a cascade is worse than a random mix.
    func testADecisionNoBetterThanChanceIsNotRecommended() throws {
        let recommendation = try recommend(images(800, isHonest: false), hasPredictor: true)
        XCTAssertEqual(recommendation.asGood.measure.setting, .fixed(0), recommendation.text())
        XCTAssertTrue(recommendation.text().contains("take the fixed resolution 96"), recommendation.text())
        let budget = try recommend(images(800, isHonest: false), hasPredictor: true, budget: Budget("0.6")).withinBudget
        XCTAssertEqual(budget?.measure.way, .fixedResolutions)
        XCTAssertEqual(budget?.measure.setting, .fixed(1), "the most accurate within the budget")
        // The cascade is more accurate than 32 pixels, which alone is within the budget, but less than a random mix of its cost.
        let low = try XCTUnwrap(recommend(images(800, isHonest: false), budget: Budget("0.42")).withinBudget)
        XCTAssertEqual(low.measure.setting, .fixed(2))
        XCTAssertTrue(low.reasons.contains { $0.contains("not better than a random mix") }, "\(low.reasons)")
    }

    /// A smaller resolution is as accurate as the largest, and a decider cannot do better.
    func testASmallerFixedResolutionIsTheSimplerAnswer() throws {
        let noise = Formula.values("confidence", 600)
        let results = (0..<600).map { index in
            let right = index % 10 != 0
            return image(index, right: [right, right, index % 2 == 0 && right], confidence: 0.5 + 0.3 * noise[index])
        }
        let recommendation = try recommend(results)
        XCTAssertEqual(recommendation.asGood.measure.setting, .fixed(1), recommendation.text())
        XCTAssertTrue(recommendation.summary.contains("take the fixed resolution 64"), recommendation.summary)
        // The cascade is as accurate and costs more: every image also runs at 64.
        XCTAssertTrue(recommendation.asGood.reasons.contains { $0.hasPrefix("threshold cascade") }, "\(recommendation.asGood.reasons)")
    }

    /// The trained decider knows which images are hard, and the confidence does not; then the reverse.
    func testTheDeciderThatKnowsMoreIsRecommendedWithinABudget() throws {
        let trained = try recommend(images(800, isHonest: false, knows: true), hasPredictor: true, budget: Budget("0.42"))
        XCTAssertEqual(trained.withinBudget?.measure.way, .dynamic, trained.text())
        XCTAssertTrue(trained.summary.contains("take the trained predictor with λ"), trained.summary)
        XCTAssertTrue(trained.summary.contains("within 0.42 of the largest resolution's multiply-adds"), trained.summary)
        let cascade = try recommend(images(800, isHonest: true), hasPredictor: true, budget: Budget("0.42"))
        XCTAssertEqual(cascade.withinBudget?.measure.way, .thresholdCascade, cascade.text())
    }

    func testFewImagesAreNoEvidence() throws {
        for count in [1, 2, 3, 30] {
            let results = (0..<count).map { image($0, right: [true, true, true], confidence: 0.99) }
            let recommendation = try recommend(results)
            XCTAssertEqual(recommendation.asGood.measure.setting, .fixed(0), "\(count): \(recommendation.text())")
            XCTAssertTrue(
                recommendation.summary.contains("\(count) images are too few to decide"), "\(count): \(recommendation.summary)")
        }
        let many = (0..<600).map { image($0, right: [true, true, true], confidence: 0.99) }
        XCTAssertEqual(try recommend(many).asGood.measure.setting, .fixed(2), "600 equal images are evidence")
        XCTAssertThrowsError(try recommend([])) { XCTAssertTrue("\($0)".contains("no validation images"), "\($0)") }
    }

    func testABudgetBelowTheSmallestResolutionIsRefused() throws {
        XCTAssertThrowsError(try recommend(images(40, isHonest: true), budget: Budget("0.01"))) {
            XCTAssertTrue("\($0)".contains("a budget of 0.01 cannot be met"), "\($0)")
        }
        XCTAssertThrowsError(try recommend(images(40, isHonest: true), budget: Budget(milliseconds: "20"))) {
            XCTAssertTrue("\($0)".contains("to measure costs"), "no times were measured: \($0)")
        }
    }

    /// With a table, limits and budgets are shares of milliseconds.
    func testATableOfTimesReplacesMultiplyAdds() throws {
        let times = ImageCosts(classifier: [10, 9, 8], predictor: 1)
        let table = CostTable(
            networks: .init(architecture: "resnet18", width: 0.05, resolutions: resolutions, decider: "test"), conditions: conditions,
            milliseconds: times)
        let recommendation = try recommend(images(800, isHonest: true), hasPredictor: true, costs: times, table: table)
        XCTAssertEqual(recommendation.unit, .milliseconds)
        XCTAssertEqual(recommendation.asGood.measure.setting, .fixed(0), "the cascade's time is a sum: \(recommendation.text())")
        XCTAssertTrue(recommendation.summary.contains("10 ms"), recommendation.summary)
    }

    /// What is chosen on a half is measured on the other one: a label that chose a setting is not part of its measurement.
    func testEachHalfIsMeasuredWithTheSettingOfTheOther() throws {
        let results = images(101, isHonest: true)
        let way = Deployable.ways(results, model(hasPredictor: false), costs: .gigaFLOPs(model(hasPredictor: false).flops))[0]
        let crossFitting = CrossFitting(count: 101)
        var chosen: [[Int]] = []
        let routed = try XCTUnwrap(
            crossFitting.routed(way) { images in
                chosen.append(images)
                return .fixed(chosen.count - 1)
            })
        XCTAssertEqual(chosen.map(\.count).sorted(), [50, 51])
        XCTAssertEqual((chosen[0] + chosen[1]).sorted(), Array(0..<101))
        XCTAssertNotEqual(chosen[0], Array(0..<50), "folders are sorted by class")
        for image in chosen[0] { XCTAssertEqual(routed[image].choice, 1, "measured with the setting of the other half") }
        for image in chosen[1] { XCTAssertEqual(routed[image].choice, 0) }
    }

    /// The interval of a mean of many images is that of the normal distribution, paired over the images.
    func testIntervalsAreThoseOfThePairedDifference() {
        let noise = Formula.values("noise", 1000).map { Double($0) }
        let first = noise.map { $0 + 0.1 }
        let difference = PairedBootstrap([zip(first, noise).map(-), noise]).estimates()
        XCTAssertEqual(difference[0].low, 0.1, accuracy: 1e-6, "no variance, though both vary")
        XCTAssertEqual(difference[0].high, 0.1, accuracy: 1e-6)
        let deviation = noise.standardDeviation!
        let half = 1.96 * deviation / Double(1000).squareRoot()
        // 2000 resamples: the percentiles have a standard error of about 4 % of the half width.
        XCTAssertEqual(difference[1].high - difference[1].value, half, accuracy: 0.15 * half)
        XCTAssertEqual(difference[1].value - difference[1].low, half, accuracy: 0.15 * half)
        XCTAssertEqual(PairedBootstrap([noise]).estimates(), PairedBootstrap([noise]).estimates())
    }
}
