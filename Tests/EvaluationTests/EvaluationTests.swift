import Communication
import DynamicResolution
import XCTest

@testable import Evaluation

final class EvaluationTests: XCTestCase {
    private let flops = FLOPsModel(resolutions: [96, 64, 32], classifier: [90, 40, 10], predictor: 5)

    /// Four images of class 0 among many classes: rank of the label at each resolution, and the choice.
    private func results() -> [ImageResult] {
        [([0, 0, 0], 2), ([0, 0, 3], 1), ([0, 7, 7], 1), ([9, 9, 9], 0)].enumerated().map { index, image in
            ImageResult(
                sample: index, label: 0, choice: image.1, predicted: 0, labelRank: image.0[image.1], fixedLabelRanks: image.0)
        }
    }

    private func evaluation() -> Evaluation {
        Evaluation(
            results: results(), flops: flops, classCount: 20, speed: .init(dynamic: 100, fixedLargest: 50), hasDecider: true)
    }

    func testTheDynamicRowCountsEachImageAtItsOwnResolution() throws {
        let row = try XCTUnwrap(evaluation().dynamic)
        XCTAssertEqual(row.top1, 0.5)
        XCTAssertEqual(row.top5, 0.5)
        XCTAssertEqual(row.shares, [0.25, 0.5, 0.25])
        XCTAssertEqual(row.classifierGFLOPs * 1e9, (90 + 40 + 40 + 10) / 4, accuracy: 1e-9)
        XCTAssertEqual(row.totalShare, (45.0 + 5) / 90, accuracy: 1e-12)
    }

    func testFixedRowsUseEveryImage() throws {
        XCTAssertEqual(try XCTUnwrap(evaluation().fixed(96)).top1, 0.75)
        XCTAssertEqual(try XCTUnwrap(evaluation().fixed(64)).top1, 0.5)
        XCTAssertEqual(try XCTUnwrap(evaluation().fixed(32)).top1, 0.25)
        XCTAssertEqual(try XCTUnwrap(evaluation().fixed(32)).top5, 0.5)
    }

    func testRandomRoutingIsTheExpectationOverTheShares() throws {
        let row = try XCTUnwrap(evaluation().row(.randomSameShares))
        XCTAssertEqual(row.top1, 0.25 * 0.75 + 0.5 * 0.5 + 0.25 * 0.25, accuracy: 1e-12)
    }

    func testTheOracleTakesTheSmallestResolutionThatIsRight() throws {
        let row = try XCTUnwrap(evaluation().row(.oracle))
        XCTAssertEqual(row.top1, 0.75)
        // 32, 64, 96, and the smallest for the image that nothing gets right.
        XCTAssertEqual(row.shares, [0.25, 0.25, 0.5])
    }

    func testWithoutAPredictorThereAreNoDynamicRows() {
        let evaluation = Evaluation(
            results: results(), flops: flops, classCount: 20, speed: .init(dynamic: 0, fixedLargest: 50), hasDecider: false)
        XCTAssertEqual(evaluation.rows.map(\.way.name), ["fixed 96", "fixed 64", "fixed 32", "oracle"])
    }

    func testResultsAreGatheredWithTheSameBits() throws {
        var full = results()[1]
        full.fixedPredictions = [0, 2, 3]
        full.topProbabilities = [0.1, 1, Float(0.3).nextUp]
        full.scores = [-0.0, -.infinity, -1.0 / 3]
        let sent = [[full, results()[0]], [], results()]
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            let all = try communicator.allGather(sent[communicator.rank], label: "results")
            XCTAssertEqual(all, sent)
            XCTAssertEqual(all[0][0].topProbabilities.map(\.bitPattern), full.topProbabilities.map(\.bitPattern))
            XCTAssertEqual(all[0][0].scores.map(\.bitPattern), full.scores.map(\.bitPattern))
        }
    }

    func testKindsOfImagesOfEqualCostHaveAFixedOrder() {
        func row(_ name: String, _ cost: Double) -> DifficultyTable.Row {
            DifficultyTable.Row(name: name, images: 1, top1: 1, classifierGFLOPs: cost, shares: [], fixedTop1: [])
        }
        let rows = [row("medium", 1), row("hard", 2), row("easy", 1)]
        for order in [rows, rows.reversed(), [rows[2], rows[0], rows[1]]] {
            XCTAssertEqual(DifficultyTable.ordered(order).map(\.name), ["easy", "medium", "hard"])
        }
    }

    func testTheTableIsAligned() {
        let lines = evaluation().table().split(separator: "\n")
        XCTAssertEqual(lines.count, 2 + 6)
        XCTAssertEqual(Set(lines.map(\.count)).count, 1, "all lines have the same width")
    }

    func testTheValueOfRankZeroReachesAllRanksAndIsMadeOnce() throws {
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            let value = try communicator.valueOfRankZero(label: "value") { ["made by": communicator.rank] }
            XCTAssertEqual(value, ["made by": 0])
        }
    }
}
