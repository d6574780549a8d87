import Foundation
import TestSupport
import XCTest

/// Tests `drnet evaluate` with `--budget` and `--curve`, and prediction with the resulting files.
final class BudgetCommandTests: XCTestCase {
    private struct BudgetFile: Decodable {
        struct Calibration: Decodable {
            var images: Int
            var gigaFLOPs: Double
            var milliseconds: Double
        }
        struct Evaluation: Decodable {
            var images: Int
        }
        var costWeight: Double
        var calibration: Calibration
        var evaluation: Evaluation
    }

    func testARunIsEvaluatedAtABudgetAndPredictsWithIt() throws {
        try withSmallRun { run in
            try run.complete("run")
            let saved = try String(contentsOfFile: run.path("run/evaluation.json"), encoding: .utf8)
            let result = try run.drnet(["evaluate", run.path("run"), "--budget", "0.8", "--predictions", run.path("predictions.csv")])
            XCTAssertEqual(result.status, 0, result.text)
            for text in [
                "budget: 0.8 of the largest resolution's multiply-adds", "cost weight λ = ", "calibrated on 5 images", "the other 19",
            ] {
                XCTAssertTrue(result.output.contains(text), "\(text): \(result.text)")
            }
            for row in ["dynamic", "fixed 48", "fixed 32", "random, same cost", "oracle", "hard"] {
                XCTAssertTrue(result.output.contains("\n\(row) "), "no row '\(row)': \(result.text)")
            }
            let budget = try JSONDecoder().decode(
                BudgetFile.self, from: Data(contentsOf: URL(fileURLWithPath: run.path("run/budget.json"))))
            XCTAssertEqual(budget.calibration.images, 5)
            XCTAssertEqual(budget.evaluation.images, 19)
            XCTAssertEqual(
                try String(contentsOfFile: run.path("run/evaluation.json"), encoding: .utf8), saved,
                "the evaluation without a budget is kept")
            let predictions = try String(contentsOfFile: run.path("predictions.csv"), encoding: .utf8)
            XCTAssertEqual(predictions.split(separator: "\n").count, 20)

            let image = run.path("data/val/rings/00004.jpg")
            for (weight, resolution) in [("1e6", "32"), ("-1e6", "48")] {
                let predicted = try run.drnet(["predict", "--run", run.path("run"), "--cost-weight", weight, image])
                XCTAssertEqual(predicted.status, 0, predicted.text)
                XCTAssertEqual(
                    predicted.output.split(separator: "\n").last?.split(separator: "\t")[3], Substring(resolution), predicted.text)
            }
        }
    }

    func testABudgetInMillisecondsIsMeasured() throws {
        // Batches of one image, so that there are enough of them for medians.
        try withSmallRun { run in
            try run.complete("run", ["--set", "evaluation.batchSize=1"])
            let file = run.path("run/budget.json")
            func budget() throws -> BudgetFile {
                try JSONDecoder().decode(BudgetFile.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
            }
            let first = try run.drnet(["evaluate", run.path("run"), "--budget", "1"])
            XCTAssertEqual(first.status, 0, first.text)
            XCTAssertGreaterThan(try budget().calibration.milliseconds, 0)
            // No machine is so fast or so slow.
            for text in ["1e-7", "1e7"] {
                let result = try run.drnet(["evaluate", run.path("run"), "--budget-ms", text])
                XCTAssertEqual(result.status, 1, result.text)
                XCTAssertTrue(result.errors.contains("cannot be met: an image costs"), result.text)
            }
        }
    }

    func testInvalidBudgetsAreRejected() throws {
        try withSmallRun { run in
            try run.complete("run")
            for (options, status, message) in [
                (["--budget", "0"], 64, "'0' is no budget"), (["--budget", "-1"], 64, "'-1' is no budget"),
                (["--budget", "2.5X"], 64, "'2.5X' is no budget"), (["--budget", "nan"], 64, "'nan' is no budget"),
                (["--budget-ms", "2.5G"], 64, "'2.5G' is no budget"), (["--budget", "0.6", "--budget-ms", "3"], 64, "not both"),
                (["--budget", "0.8", "--calibration-share", "1"], 64, "--calibration-share is 1.0"),
                (["--budget", "0.8", "--calibration-share", "nan"], 64, "--calibration-share is nan"),
                (["--budget", "0.8", "--calibration-share", "0.01"], 1, "leaves no image"),
                (["--budget", "9"], 1, "cannot be met: an image costs"), (["--budget", "1K"], 1, "cannot be met: an image costs"),
                (["--curve", run.configuration], 1, run.configuration),
            ] as [([String], Int32, String)] {
                let result = try run.drnet(["evaluate", run.path("run")] + options)
                XCTAssertEqual(result.status, status, "\(options): \(result.text)")
                XCTAssertTrue(result.errors.contains(message), "\(options): \(result.text)")
            }
            let predicted = try run.drnet([
                "predict", "--run", run.path("run"), "--cost-weight", "nan", run.path("data/val/rings/00004.jpg"),
            ])
            XCTAssertEqual(predicted.status, 64, predicted.text)
            let ranks = try run.drnet(["evaluate", run.path("run"), "--budget", "9"], ranks: 2)
            XCTAssertFalse(ranks.timedOut)
            XCTAssertNotEqual(ranks.status, 0)
        }
    }

    func testARunWithoutAPredictorIsRejected() throws {
        try withSmallRun { run in
            try run.complete("run", ["--set", "stages.fineTune=null", "--set", "predictor.kind=none"])
            for options in [["--budget", "0.8"], ["--budget-ms", "1"], ["--curve", run.path("curve")]] {
                let result = try run.drnet(["evaluate", run.path("run")] + options)
                XCTAssertEqual(result.status, 1, result.text)
                XCTAssertTrue(result.errors.contains("\(run.path("run")) has nothing that chooses resolutions"), result.text)
            }
            let image = run.path("data/val/rings/00004.jpg")
            XCTAssertEqual(try run.drnet(["predict", "--run", run.path("run"), "--cost-weight", "1", image]).status, 1)
            XCTAssertEqual(try run.drnet(["predict", "--run", run.path("run"), image]).status, 0)
        }
    }

    func testOneAndTwoRanksGiveTheSameCurve() throws {
        try withSmallRun(validationImages: 60) { run in
            try run.complete("run")
            var tables: [[[Substring]]] = []
            for ranks in [nil, 2] as [Int?] {
                let folder = run.path("curves/\(ranks ?? 1)")
                let result = try run.drnet(["evaluate", run.path("run"), "--curve", folder], ranks: ranks)
                XCTAssertEqual(result.status, 0, result.text)
                XCTAssertTrue(result.output.contains("\ndynamic "), result.text)
                for file in ["curve.json", "curve.csv", "curve.svg"] {
                    XCTAssertTrue(FileManager.default.fileExists(atPath: "\(folder)/\(file)"), file)
                }
                tables.append(
                    try String(contentsOfFile: folder + "/curve.csv", encoding: .utf8).split(separator: "\n")
                        .map { $0.split(separator: ",", omittingEmptySubsequences: false) })
            }
            XCTAssertEqual(tables[0].count, tables[1].count)
            XCTAssertEqual(Set(tables[0].dropFirst().map { $0[0] }), ["dynamic", "fixed", "randomMix", "cascade", "oracle"])
            let timings = try XCTUnwrap(tables[0][0].firstIndex(of: "milliseconds"))
            for (one, two) in zip(tables[0], tables[1]) {
                for (column, cells) in zip(one, two).enumerated() where column != timings {
                    // Batches of different sizes round differently.
                    if let first = Double(cells.0), let second = Double(cells.1) {
                        XCTAssertEqual(first, second, accuracy: 1e-4 * max(1, abs(first)), "\(one) and \(two)")
                    } else {
                        XCTAssertEqual(cells.0, cells.1)
                    }
                }
            }
        }
    }
}
