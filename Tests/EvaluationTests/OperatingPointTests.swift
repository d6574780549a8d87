import DynamicResolution
import Inference
import TestSupport
import XCTest

@testable import Evaluation

final class OperatingPointTests: XCTestCase {
    /// The classifier costs 1, 0.5 and 0.25 of the largest resolution.
    private let flops = FLOPsModel(resolutions: [96, 64, 32], classifier: [4e9, 2e9, 1e9], predictor: 0)

    /// - Parameters:
    ///   - ranks: 0 where the answer is right.
    ///   - top: the largest probability at the smallest resolution.
    private func image(_ sample: Int, _ ranks: [Int], top: Float, scores: [Double] = [0, -1, -2]) -> ImageResult {
        ImageResult(
            sample: sample, label: 0, choice: 0, predicted: 0, labelRank: ranks[0], fixedLabelRanks: ranks,
            fixedPredictions: [0, 0, 0], topProbabilities: [0.9, 0.9, top], scores: scores)
    }

    /// Eight images: six are right everywhere, two only at the largest resolution. These two have the least confidence.
    private var images: [ImageResult] {
        (0..<8).map { index in
            let isHard = index == 2 || index == 5
            return image(index, isHard ? [0, 1, 1] : [0, 0, 0], top: isHard ? 0.4 : 0.95, scores: isHard ? [0, -9, -9] : [0, 0, 0])
        }
    }

    func testACascadeThatKnowsTheHardImagesIsAsAccurateAsTheLargestResolution() throws {
        let points = OperatingPoints(images, flops.costs).thresholdCascade([0.5, 0.25])
        // 0.25 for all, and 1 more for two of eight.
        XCTAssertEqual(points[0].share, 0.5, accuracy: 1e-12)
        XCTAssertEqual(points[0].top1, 1)
        XCTAssertEqual(points[0].gainOverLargest, 0)
        XCTAssertEqual(points[0].gainOverBestFixed, 0.25, accuracy: 1e-12, "64 pixels cost 0.5")
        // The mix of cost 0.5 is 64 pixels for all: right for six of eight.
        XCTAssertEqual(points[0].gainOverRandomCost, 0.25, accuracy: 1e-12)
        // Six differences of 0, two of 1.
        XCTAssertEqual(points[0].standardError, (1.5 / 7 / 8).squareRoot(), accuracy: 1e-9)
        XCTAssertEqual(points[1].share, 0.25)
        XCTAssertEqual(points[1].top1, 0.75)
        XCTAssertEqual(points.map(\.way), [.thresholdCascade, .thresholdCascade])
    }

    func testTheDeciderPaysForItsNetworkAndUnreachableLimitsAreLeftOut() throws {
        let costs = flops.costs.deciding(isCascade: false, predictor: 0.4e9)
        let points = OperatingPoints(images, costs).dynamic([0.3, 0.6, 1], weighed: costs)
        XCTAssertEqual(points.map(\.limit), [0.6, 1], "0.25 + 0.1 exceeds 0.3")
        // Two images at 1, the others at 0.25: 0.4375 + 0.1.
        XCTAssertEqual(points[0].share, 0.5375, accuracy: 1e-12)
        XCTAssertEqual(points[0].top1, 1)
    }

    func testNoLabelTakesPartInTheDecisionsOfAThreshold() {
        var results = images
        let before = OperatingPoints(results, flops.costs).thresholdCascade([0.5, 0.7])
        for index in results.indices { results[index].fixedLabelRanks = [1, 1, 1] }
        let after = OperatingPoints(results, flops.costs).thresholdCascade([0.5, 0.7])
        XCTAssertEqual(after.map(\.costWeight), before.map(\.costWeight))
        XCTAssertEqual(after.map(\.share), before.map(\.share))
        XCTAssertEqual(after.map(\.top1), [0, 0])
    }

    func testTheEvaluationOfEarlierBuildsHasNoPoints() throws {
        let evaluation = Evaluation(
            results: images, flops: flops, classCount: 9, speed: .init(dynamic: nil, fixedLargest: nil), hasDecider: true)
        XCTAssertNil(evaluation.points)
        var full = evaluation
        full.addPoints(images, decider: .network(inputSize: 32), weighed: flops.costs)
        XCTAssertEqual(full.points?.count, 6)
        let data = try JSONEncoder().encode(full)
        XCTAssertEqual(try JSONDecoder().decode(Evaluation.self, from: data), full)
    }
}
