import DynamicResolution
import TestSupport
import XCTest

@testable import Evaluation

/// How λ is found.
final class CalibrationTests: XCTestCase {
    private let flops = FLOPsModel(resolutions: [96, 32], classifier: [100e9, 20e9], predictor: 5e9)

    /// Right at the largest resolution only; `logRatio` is log π_96 − log π_32.
    private func image(_ sample: Int, logRatio: Double) -> ImageResult {
        ImageResult(
            sample: sample, label: 0, choice: 0, predicted: 0, labelRank: 0, fixedLabelRanks: [0, 9], fixedPredictions: [0, 1],
            topProbabilities: [0.9, 0.5], scores: [logRatio, 0])
    }

    private func images(_ logRatios: [Double]) -> [ImageResult] { logRatios.enumerated().map { image($0, logRatio: $1) } }

    private func calibrate(_ logRatios: [Double], limit: Double) throws -> (costWeight: Double, cost: Double) {
        let (weights, costs) = (CostWeights(images(logRatios), flops.costs), ImageCosts.gigaFLOPs(flops))
        let costWeight = try BudgetEvaluation.calibrate(weights, limit: limit, costs, flops.costs, resolutions: flops.resolutions)
        return (costWeight, costs.mean(shares: weights.shares(costWeight)))
    }

    /// Costs relative to the largest differ by 0.8, so that the images change at λ = 1, −1, 2 and 0, where the fourth is undecided.
    func testTheCostIsTheLargestWithinTheBudget() throws {
        let logRatios = [0.8, -0.8, 1.6, 0]
        for (limit, costWeight, cost) in [
            (25.0, 3.0, 25.0), (44.9, 3, 25), (45, 1.5, 45), (64, 1.5, 45), (65, 0.5, 65), (84.9, 0.5, 65), (85, 0, 85), (104.9, 0, 85),
            (105, -2, 105),
        ] {
            let found = try calibrate(logRatios, limit: limit)
            XCTAssertEqual(found.cost, cost, accuracy: 1e-9, "budget \(limit)")
            XCTAssertEqual(found.costWeight, costWeight, accuracy: 1e-9, "budget \(limit)")
        }
    }

    func testEqualImagesMoveTogetherAndNeverBeyondTheBudget() throws {
        let logRatios = [0.8, 0.8, 0.8, -0.8]
        XCTAssertEqual(try calibrate(logRatios, limit: 84.9).cost, 25, accuracy: 1e-9, "three at once: 85 or 25")
        XCTAssertEqual(try calibrate(logRatios, limit: 85).cost, 85, accuracy: 1e-9)
        XCTAssertEqual(try calibrate(logRatios, limit: 85).costWeight, 0)
        XCTAssertEqual(try calibrate(logRatios, limit: 104).cost, 85, accuracy: 1e-9)
    }

    func testAgainstEveryRoutingOfManyImages() throws {
        let flops = FLOPsModel(resolutions: [96, 64, 32], classifier: [90e9, 40e9, 10e9], predictor: 5e9)
        let logits = Formula.values("logits", 3 * 200).map { 4 * $0 }
        let logProbabilities = Logits.logSoftmax(logits, columns: 3)
        let results = (0..<200).map { index in
            var result = image(index, logRatio: 0)
            result.scores = Array(logProbabilities[3 * index..<3 * index + 3])
            return result
        }
        let (weights, costs) = (CostWeights(results, flops.costs), ImageCosts.gigaFLOPs(flops))
        let grid = stride(from: -40.0, through: 40, by: 0.01).map { costs.mean(shares: weights.shares($0)) }
        for limit in [15, 15.5, 20, 37.3, 48, 60, 77.77, 94, 95] as [Double] {
            let cost = costs.mean(
                shares: weights.shares(
                    try BudgetEvaluation.calibrate(weights, limit: limit, costs, flops.costs, resolutions: flops.resolutions)))
            XCTAssertLessThanOrEqual(cost, limit + 1e-9)
            XCTAssertGreaterThanOrEqual(cost, (grid.filter { $0 <= limit }.max() ?? 0) - 1e-9, "budget \(limit)")
            XCTAssertGreaterThan(cost, limit - 90.0 / 100, "200 images: steps of less than half a GFLOP, two at once here and there")
        }
    }

    func testTimesThatDoNotFallAreRefused() throws {
        let weights = CostWeights(images([1, 2]), flops.costs)
        for (times, isRefused) in [([1.0, 2], true), ([2, 1], false), ([1, 1], false)] {
            let costs = ImageCosts(classifier: times, predictor: 0)
            func calibrate() throws -> Double {
                try BudgetEvaluation.calibrate(weights, limit: 2, costs, flops.costs, resolutions: flops.resolutions)
            }
            if isRefused {
                XCTAssertThrowsError(try calibrate()) { XCTAssertTrue("\($0)".contains("1 ms at 96, 2 ms at 32"), "\($0)") }
            } else {
                XCTAssertNoThrow(try calibrate())
            }
        }
    }

    func testThePartForTheCalibrationIsExactAndTheSameForEveryRun() throws {
        let results = images([Double](repeating: 0, count: 50))
        let (calibrating, others) = try BudgetEvaluation.split(results, share: 0.2)
        XCTAssertEqual(calibrating.count, 10)
        XCTAssertEqual((calibrating + others).map(\.sample).sorted(), Array(0..<50))
        XCTAssertEqual(try BudgetEvaluation.split(results, share: 0.2).calibrating, calibrating)
        XCTAssertNotEqual(calibrating.map(\.sample), Array(0..<10), "folders are sorted by class")
        XCTAssertGreaterThan(calibrating.filter { $0.sample >= 25 }.count, 1)
        for (count, share) in [(50, 0.001), (50, 0.999), (1, 0.5), (0, 0.2)] {
            XCTAssertThrowsError(try BudgetEvaluation.split(Array(results.prefix(count)), share: share), "\(share) of \(count)")
        }
    }

    /// Every second image wants the largest resolution; labels of the calibrating ones do not matter.
    func testTheReportIsAboutTheOtherImagesAlone() throws {
        var results = (0..<40).map { image($0, logRatio: $0 % 2 == 0 ? 1 : Double($0) / 1000 - 1) }
        let calibrating = Set(try BudgetEvaluation.split(results, share: 0.25).calibrating.map(\.sample))
        let milliseconds = ImageCosts(classifier: [4, 1], predictor: 0.5)
        func evaluate() throws -> BudgetEvaluation {
            try BudgetEvaluation(
                Budget("0.7"), results: results, flops: flops, weighed: flops.costs, milliseconds: milliseconds, calibrationShare: 0.25,
                classCount: 20)
        }
        let first = try evaluate()
        for index in results.indices where calibrating.contains(index) { results[index].fixedLabelRanks = [9, 9] }
        let second = try evaluate()
        XCTAssertEqual(first.costWeight, second.costWeight, "no label was looked at")
        XCTAssertEqual(first.evaluation, second.evaluation)
        for index in results.indices { results[index].fixedLabelRanks = [9, 9] }
        XCTAssertNotEqual(try evaluate().evaluation, second.evaluation, "the comparison can fail")

        XCTAssertEqual(first.calibration.images, 10)
        XCTAssertLessThanOrEqual(first.calibration.gigaFLOPs, 70)
        XCTAssertEqual(first.results.map(\.sample), (0..<40).filter { !calibrating.contains($0) })
        let rows = first.evaluation.rows
        XCTAssertEqual(rows.map(\.way.name), ["dynamic", "fixed 96", "fixed 32", "random, same shares", "random, same cost", "oracle"])
        let atLargest = Double(first.results.filter { $0.choice == 0 }.count) / 30
        XCTAssertEqual(rows[0].top1, atLargest, accuracy: 1e-12)
        XCTAssertEqual(rows[0].totalGFLOPs, 5 + 20 + 80 * atLargest, accuracy: 1e-9)
        XCTAssertEqual(try XCTUnwrap(rows[0].milliseconds), 0.5 + 1 + 3 * atLargest, accuracy: 1e-9)
        XCTAssertEqual(rows[1].milliseconds, 4, "no predictor")
        XCTAssertEqual(rows[4].totalGFLOPs, rows[0].totalGFLOPs, accuracy: 1e-9)
        XCTAssertEqual(rows[4].top1, rows[4].shares[0], accuracy: 1e-12)
    }

    func testABudgetInMillisecondsCountsMilliseconds() throws {
        let results = images((0..<40).map { Double($0) / 10 - 2 })
        let milliseconds = ImageCosts(classifier: [4, 3], predictor: 0.5)
        let evaluation = try BudgetEvaluation(
            Budget(milliseconds: "4"), results: results, flops: flops, weighed: flops.costs, milliseconds: milliseconds,
            calibrationShare: 0.5, classCount: 20)
        XCTAssertEqual(evaluation.calibration.milliseconds, 4, accuracy: 1e-9, "half of 20 images at each")
        XCTAssertEqual(evaluation.calibration.gigaFLOPs, 65, accuracy: 1e-9)
        let (dynamic, mix) = (evaluation.evaluation.rows[0], evaluation.evaluation.rows[4])
        XCTAssertEqual(try XCTUnwrap(mix.milliseconds), try XCTUnwrap(dynamic.milliseconds), accuracy: 1e-9)
    }
}
