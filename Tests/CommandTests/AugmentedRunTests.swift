import Foundation
import TestSupport
import XCTest

/// Tests whole runs with mixing, augmentation and sampling, and evaluation with a resize ratio for each resolution.
final class AugmentedRunTests: XCTestCase {
    /// Everything at once.
    private static let augmented = [
        "data.augmentation={cropScale: [0.8, 1], trivialAugment: true, erasing: 0.3, mixup: 0.4, cutmix: 1, mixProbability: 0.8}",
        "data.sampling=balanced", "data.repeats=3",
    ]

    private func options(_ settings: [String]) -> [String] { settings.flatMap { ["--set", $0] } }

    /// As in `ReproducibilityTests`: steps of the whole data set and a small learning rate.
    func testMixedImagesGiveTheSameLossesOnAnyNumberOfRanksAndMicroBatches() throws {
        try withSmallRun(trainingImages: 120) { run in
            let calm = [
                "resolutions=[64,32]", "optimizer.batchSize=120", "policy.flopsTarget=0.8", "stages.warmUp.epochs=3",
                "stages.fineTune.epochs=3", "stages.warmUp.learningRate.base=1e-4", "stages.fineTune.learningRate.base=1e-4",
                "stages.recalibrate=null", "optimizer.accumulationSteps=2",
            ]
            try run.complete("one", options(calm + Self.augmented))
            let one = run.losses("one")
            XCTAssertEqual(one.count, 6)
            func largestDifference(_ name: String) -> Double {
                let losses = run.losses(name)
                return one.map { abs((losses[$0] ?? .infinity) - $1) / abs($1) }.max()!
            }
            for ranks in [2, 3] {
                try run.complete("\(ranks)", ranks: ranks, options(calm + Self.augmented))
                XCTAssertLessThan(largestDifference("\(ranks)"), 1e-4, "\(ranks) ranks")
            }
            try run.complete("unmixed", options(calm + Self.augmented + ["data.augmentation.mixProbability=0"]))
            XCTAssertGreaterThan(largestDifference("unmixed"), 1e-3, "the comparison can fail")
        }
    }

    /// Steps 1–10 are warm-up, and steps 11–25 are fine-tuning. An epoch has five steps.
    func testAResumedRunWithEveryAugmentationEndsWithTheSameBits() throws {
        try withSmallRun { run in
            let options = options(Self.augmented + ["optimizer.accumulationSteps=2"])
            try run.complete("run", ranks: 2, options)
            for step in [3, 12] {
                try run.cut("run", to: "resumed-\(step)", afterStep: step)
                try run.complete("resumed-\(step)", ranks: 2, options + ["--resume"])
                XCTAssertTrue(try run.weights("run") == run.weights("resumed-\(step)"), "step \(step)")
                XCTAssertEqual(run.losses("run"), run.losses("resumed-\(step)"))
            }
        }
    }

    func testEvaluationAndPredictionUseTheViewOfEachResolution() throws {
        try withSmallRun { run in
            try run.complete("run", options(["stages.recalibrate=null", "stages.fineTune.epochs=1", "data.resizeRatio=1.2"]))
            let files = try FileManager.default.subpathsOfDirectory(atPath: run.path("data/val")).filter { $0.hasSuffix(".jpg") }
                .map { run.path("data/val/\($0)") }
            /// Class, probability and resolution of each file.
            func predictions(ratio: String) throws -> [String: [String]] {
                let file = run.path("run/config.yaml")
                let text = try String(contentsOfFile: file, encoding: .utf8)
                try text.replacingOccurrences(of: "resizeRatio: .*", with: "resizeRatio: \(ratio)", options: .regularExpression)
                    .write(toFile: file, atomically: true, encoding: .utf8)
                let predicted = try run.drnet(["predict", "--run", run.path("run")] + files)
                XCTAssertEqual(predicted.status, 0, predicted.text)
                let rows = predicted.output.split(separator: "\n").dropFirst().map { $0.split(separator: "\t").map(String.init) }
                let result = Dictionary(uniqueKeysWithValues: rows.map { ($0[0], Array($0[1...3])) })
                // The evaluation routes and classifies in the same way.
                let evaluated = try run.drnet(["evaluate", run.path("run"), "--predictions", run.path("p.csv")])
                XCTAssertEqual(evaluated.status, 0, evaluated.text)
                let lines = try String(contentsOfFile: run.path("p.csv"), encoding: .utf8).split(separator: "\n").dropFirst()
                XCTAssertEqual(lines.count, files.count)
                for line in lines.map({ $0.split(separator: ",").map(String.init) }) {
                    XCTAssertEqual([result[line[0]]?[0], result[line[0]]?[2]], [line[2], line[3]], line[0])
                }
                return result
            }
            let single = try predictions(ratio: "1.2")
            XCTAssertEqual(try predictions(ratio: "[1.2, 1.2]"), single, "equal ratios are a single one")
            let views = try predictions(ratio: "[1.6, 1.2]")
            XCTAssertEqual(views.mapValues { $0[2] }, single.mapValues { $0[2] }, "the predictor sees the widest view")
            for (file, answer) in single where answer[2] == "32" { XCTAssertEqual(views[file], answer) }
            let nearer = try predictions(ratio: "[1.2, 1.6]")
            XCTAssertNotEqual(
                [views != single, nearer != single], [false, false], "no view has an effect, at any resolution")
        }
    }
}
