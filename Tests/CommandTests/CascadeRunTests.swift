import Foundation
import TestSupport
import XCTest

/// Whole runs with a cascade, and with loss regression.
final class CascadeRunTests: XCTestCase {
    private static func set(_ keys: [String]) -> [String] { keys.flatMap { ["--set", $0] } }

    private let threshold = set(["predictor.kind=cascade", "stages.fineTune=null", "policy.flopsTarget=0.7"])
    private let learned = set(["predictor.kind=cascade", "predictor.head=learned", "policy.flopsTarget=0.8"])
    private let regression = set(["policy.estimator=regression", "predictor.architecture=classifier", "predictor.blocks=2"])

    private struct Result: Decodable {
        struct Row: Decodable {
            var name: String
            var top1: Double
            var classifierShare: Double
            var totalShare: Double
            var shares: [Double]
        }
        struct Point: Decodable {
            var way: String
            var limit: Double
            var share: Double
            var costWeight: Double
        }
        var rows: [Row]
        var points: [Point]
        var dynamic: Row? { rows.first { $0.name == "dynamic" } }
    }

    private func evaluation(_ run: SmallRun, _ name: String) throws -> Result {
        try JSONDecoder().decode(Result.self, from: Data(contentsOf: URL(fileURLWithPath: run.path(name) + "/evaluation.json")))
    }

    /// The threshold's λ is calibrated to the target without any training of a decider, and the run keeps it.
    func testAThresholdCascadeMeetsItsTargetAndKeepsItsOperatingPoint() throws {
        try withSmallRun { run in
            try run.complete("run", threshold)
            let trained = try evaluation(run, "run")
            let dynamic = try XCTUnwrap(trained.dynamic)
            XCTAssertLessThanOrEqual(dynamic.totalShare, 0.7)
            XCTAssertGreaterThan(dynamic.shares[0], 0)
            XCTAssertEqual(dynamic.totalShare, dynamic.shares[0] * (1 + 4 / 9.0) + dynamic.shares[1] * 4 / 9, accuracy: 0.05)
            XCTAssertEqual(Set(trained.points.map(\.way)), ["dynamic", "threshold cascade"])
            let evaluated = try run.drnet(["evaluate", run.path("run")])
            XCTAssertEqual(evaluated.status, 0, evaluated.text)
            XCTAssertEqual(try evaluation(run, "run").dynamic?.shares, dynamic.shares, "the same λ")
            let two = try run.drnet(["evaluate", run.path("run")], ranks: 2)
            XCTAssertEqual(two.status, 0, two.text)
            XCTAssertEqual(try evaluation(run, "run").dynamic?.shares, dynamic.shares)
        }
    }

    func testPredictKeepsOrReplacesTheAnswerOfTheSmallestResolution() throws {
        try withSmallRun { run in
            try run.complete("run", threshold)
            let folder = run.path("data") + "/val"
            let name = try XCTUnwrap(
                FileManager.default.subpaths(atPath: folder)?.sorted().first { $0.hasSuffix(".jpg") || $0.hasSuffix(".png") })
            func resolution(_ costWeight: String) throws -> String {
                let result = try run.drnet(["predict", "--run", run.path("run"), "--cost-weight", costWeight, "\(folder)/\(name)"])
                XCTAssertEqual(result.status, 0, result.text)
                return String(try XCTUnwrap(result.output.split(separator: "\n").last).split(separator: "\t")[3])
            }
            XCTAssertEqual(try resolution("0"), "48", "λ = 0: never sure enough")
            XCTAssertEqual(try resolution("1"), "32", "λ = 1: always sure enough")
        }
    }

    func testLossesDoNotDependOnTheNumberOfRanks() throws {
        let calm = Self.set([
            "resolutions=[64,32]", "optimizer.batchSize=120", "stages.warmUp.epochs=2", "stages.fineTune.epochs=4",
            "stages.warmUp.learningRate.base=1e-4", "stages.fineTune.learningRate.base=1e-4",
        ])
        try withSmallRun(trainingImages: 120) { run in
            for (name, options) in [("learned", learned), ("learned regression", learned + Self.set(["policy.estimator=regression"]))] {
                try run.complete(name, calm + options)
                let one = run.losses(name)
                for ranks in [2, 3] {
                    try run.complete("\(name) on \(ranks)", ranks: ranks, calm + options)
                    let several = run.losses("\(name) on \(ranks)")
                    for (step, loss) in one { XCTAssertEqual(several[step] ?? .nan, loss, accuracy: 1e-4 * loss, "\(name), step \(step)") }
                }
            }
        }
    }

    func testAKilledAndResumedRunHasTheSameWeights() throws {
        try withSmallRun { run in
            for (name, options) in [("learned", learned), ("regression", regression)] {
                try run.complete(name, options)
                try run.cut(name, to: name + "-cut", afterStep: 18)
                try run.complete(name + "-cut", options + ["--resume"])
                XCTAssertEqual(try run.weights(name + "-cut"), try run.weights(name))
            }
        }
    }

    /// 58 images in 5 parts: the classifier has about 46 of them, 4 steps an epoch, and the decider about 12, one step.
    func testTheDeciderLearnsFromImagesThatTheClassifierHasNotSeen() throws {
        try withSmallRun { run in
            try run.complete("run", learned + Self.set(["policy.heldOutParts=5", "stages.fineTune.freeze=classifier"]))
            let steps = run.records("run").filter { $0.kind == "step" }
            XCTAssertEqual(steps.filter { $0.stage == "warmUp" }.count, 2 * 4)
            XCTAssertLessThanOrEqual(steps.filter { $0.stage == "fineTune" }.count, 3 * 2)
            try run.complete("all", learned + Self.set(["stages.fineTune.freeze=classifier"]))
            XCTAssertEqual(run.records("all").filter { $0.kind == "step" && $0.stage == "fineTune" }.count, 3 * 5)
        }
    }

    /// One training serves all budgets: a smaller target uses the same weights with another λ.
    func testRegressionIsCalibratedToItsTarget() throws {
        try withSmallRun { run in
            try run.complete("half", regression + Self.set(["policy.flopsTarget=0.6"]))
            try run.complete("more", regression + Self.set(["policy.flopsTarget=0.9"]))
            XCTAssertEqual(try run.weights("half")[0], try run.weights("more")[0], "the target does not train the classifier")
            let (half, more) = (try XCTUnwrap(evaluation(run, "half").dynamic), try XCTUnwrap(evaluation(run, "more").dynamic))
            XCTAssertLessThanOrEqual(half.classifierShare, 0.6)
            XCTAssertGreaterThan(more.classifierShare, half.classifierShare)
        }
    }
}
