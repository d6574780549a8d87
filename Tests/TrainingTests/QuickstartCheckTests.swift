import DynamicResolution
import Foundation
import TestSupport
import XCTest

@testable import Evaluation
@testable import Inference
@testable import Training

/// launch/check-quickstart on evaluations that meet its limits and on ones that miss one each.
final class QuickstartCheckTests: XCTestCase {
    /// 100 images: `right` of the dynamic network, 90 at 96; hard ones are the last quarter.
    private func check(right: Int = 90, easyAt: Int = 2, hardAt: Int = 0, predictor: Double = 5e6) throws -> ProcessRunner.Result {
        let flops = FLOPsModel(resolutions: [96, 64, 32], classifier: [90e6, 40e6, 10e6], predictor: predictor)
        let results = (0..<100).map { index in
            ImageResult(
                sample: index, label: 0, choice: index < 75 ? easyAt : hardAt, predicted: 0, labelRank: index < right ? 0 : 1,
                fixedLabelRanks: [index < 90 ? 0 : 1, 1, 1])
        }
        var evaluation = Evaluation(
            results: results, flops: flops, classCount: 6, speed: .init(dynamic: 2, fixedLargest: 1), hasDecider: true)
        evaluation.difficulties = [("easy", easyAt), ("hard", hardAt)].map { name, choice in
            DifficultyTable.Row(
                name: name, images: 1, top1: 1, classifierGFLOPs: flops.classifier[choice] / 1e9, shares: [0, 0, 0], fixedTop1: [0, 0, 0])
        }
        return try withTemporaryFolder { folder in
            try evaluation.save(to: RunFolder(path: folder))
            return try ProcessRunner.run(repositoryRoot + "/launch/check-quickstart", [folder], timeout: 20)
        }
    }

    func testAllLimitsMet() throws {
        let result = try check(right: 89)
        XCTAssertEqual(result.status, 0, result.text)
        XCTAssertEqual(
            result.output,
            """
            met     hard images take 9.00 times the FLOPs of easy ones (1.5 at least)
            met     top-1 89.0 %, fixed 96 has 90.0 % (1 point less at most)
            met     38.9 % of the FLOPs of fixed 96, predictor included (66 % at most)

            """)
    }

    func testEachLimitCanBeMissed() throws {
        // Shares of the FLOPs: (75 · 40 + 25 · 90 + 100 · predictor) / 100 / 90 with a predictor of 5 and of 10.
        for (result, line) in [
            (try check(easyAt: 2, hardAt: 2), "MISSED  hard images take 1.00 times"), (try check(right: 88), "MISSED  top-1 88.0 %"),
            (try check(easyAt: 1, predictor: 10e6), "MISSED  69.4 % of the FLOPs"),
        ] {
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertTrue(result.output.contains(line), result.text)
            XCTAssertEqual(result.output.components(separatedBy: "MISSED").count, 2, "only that one: \(result.text)")
        }
    }

    func testAFolderWithoutAnEvaluationOrWithoutDifficultiesIsNamed() throws {
        try withTemporaryFolder { folder in
            let missing = try ProcessRunner.run(repositoryRoot + "/launch/check-quickstart", [folder], timeout: 20)
            XCTAssertEqual(missing.status, 1)
            XCTAssertTrue(missing.errors.contains("\(folder)/evaluation.json"), missing.text)
            try "{}".write(toFile: folder + "/evaluation.json", atomically: true, encoding: .utf8)
            let empty = try ProcessRunner.run(repositoryRoot + "/launch/check-quickstart", [folder], timeout: 20)
            XCTAssertEqual(empty.status, 1)
            XCTAssertTrue(empty.errors.contains("no classifierGFLOPs of hard"), empty.text)
        }
    }
}
