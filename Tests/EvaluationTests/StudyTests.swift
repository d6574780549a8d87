import DynamicResolution
import Foundation
import ImageData
import TestSupport
import XCTest

@testable import Evaluation
@testable import Inference

/// The table of a study, from run folders with known numbers.
final class StudyTests: XCTestCase {
    // 96, 64 and 32 pixels cost 0.09, 0.04 and 0.01 GFLOPs, the predictor 0.005.
    private let flops = FLOPsModel(resolutions: [96, 64, 32], classifier: [90e6, 40e6, 10e6], predictor: 5e6)

    /// Writes a run of 100 images, or `images`: so many are right at each fixed resolution and dynamically; the choices are 96 for a tenth,
    /// 64 for half, 32 for the rest. The two epochs of fine-tuning have 10 steps of 32 images, at 16 and 32 images/s.
    private func writeRun(
        _ path: String, seed: Int, fold: String? = nil, images: Int = 100, right: Int, fixed: [Int] = [90, 80, 60], stages: String? = nil,
        isFinished: Bool = true, warning: String? = nil
    ) throws {
        let folder = RunFolder(path: path)
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let text = """
            seed: \(seed)
            resolutions: [96, 64, 32]
            data: {folder: photos, fold: \(fold ?? "null")}
            classifier: {architecture: resnet18}
            predictor: {kind: \(stages == nil ? "network" : "none")}
            optimizer: {batchSize: 32}
            stages: \(stages ?? "{fineTune: {epochs: 2, learningRate: {base: 0.01}}}")
            """
        try text.write(toFile: folder.configuration, atomically: true, encoding: .utf8)
        guard isFinished else { return }
        let results = (0..<images).map { index in
            ImageResult(
                sample: index, label: 0, choice: index * 10 < images ? 0 : index * 10 < images * 6 ? 1 : 2, predicted: 0,
                labelRank: index < right ? 0 : 1, fixedLabelRanks: fixed.map { index < $0 ? 0 : 1 })
        }
        let evaluation = Evaluation(
            results: results, flops: flops, classCount: 6, speed: .init(dynamic: 2, fixedLargest: 1), hasDecider: stages == nil)
        try evaluation.save(to: folder)
        var lines: [String] = []
        for (epoch, rate) in [(1, 16), (2, 32)] {
            for step in 1...10 {
                // One step was disturbed.
                lines.append(
                    #"{"kind":"step","stage":"fineTune","epoch":\#(epoch),"step":\#(10 * (epoch - 1) + step),"#
                        + #""loss":"nan","imagesPerSecond":\#(step == 4 ? 0.1 : Double(rate))}"#
                )
            }
            lines.append(#"{"kind":"epoch","stage":"fineTune","epoch":\#(epoch),"step":\#(10 * epoch),"loss":1}"#)
        }
        if let warning { lines.append(#"{"kind":"event","stage":"fineTune","epoch":2,"step":20,"message":"\#(warning)"}"#) }
        lines.append(#"{"kind":"evaluation","sta"#)
        try lines.joined(separator: "\n").write(toFile: folder.metrics, atomically: true, encoding: .utf8)
    }

    private func study(_ write: (String) throws -> Void) throws -> Study {
        try withTemporaryFolder { folder in
            try write(folder)
            return try Study(path: folder)
        }
    }

    /// The images of a seed's folds are pooled; seeds are averaged.
    func testPointsPoolTheFoldsOfASeed() throws {
        func run(_ seed: UInt64, _ fold: String, images: Int, gain: Double, error: Double) throws -> StudyRun {
            let results = (0..<images).map {
                ImageResult(sample: $0, label: 0, choice: 0, predicted: 0, labelRank: 0, fixedLabelRanks: [0, 0, 0])
            }
            var evaluation = Evaluation(
                results: results, flops: flops, classCount: 6, speed: .init(dynamic: nil, fixedLargest: nil), hasDecider: true)
            evaluation.points = [0.5, 0.65].map { limit in
                OperatingPoint(
                    way: .dynamic, limit: limit, costWeight: 1, share: limit, top1: 0.9, gainOverRandomCost: gain, standardError: error,
                    gainOverBestFixed: 2 * gain, gainOverLargest: -gain)
            }
            return StudyRun(
                variant: "a", seed: seed, fold: CrossValidationFold(fold), evaluation: evaluation,
                rows: try XCTUnwrap(ComparedRows(evaluation)), fineTuneSeconds: nil, warnings: [])
        }
        let runs = [
            try run(1, "1/2", images: 30, gain: 0.04, error: 0.01), try run(1, "2/2", images: 10, gain: 0, error: 0.03),
            try run(2, "1/2", images: 30, gain: 0.01, error: 0.01), try run(2, "2/2", images: 10, gain: 0.01, error: 0.03),
        ]
        let points = StudyPoint.points(runs)
        XCTAssertEqual(points.map(\.limit), [0.5, 0.65])
        XCTAssertEqual(points[0].gainOverRandomCost, (0.03 + 0.01) / 2, accuracy: 1e-12)
        XCTAssertEqual(points[0].gainOverBestFixed, 0.04, accuracy: 1e-12)
        // √((30 · 0.01)² + (10 · 0.03)²) / 40 for each seed.
        XCTAssertEqual(points[0].standardError, 0.18.squareRoot() / 40, accuracy: 1e-12)
        var incomplete = runs
        incomplete[3].evaluation.points = incomplete[3].evaluation.points?.filter { $0.limit == 0.65 }
        XCTAssertEqual(StudyPoint.points(incomplete).map(\.limit), [0.65], "only what all runs have")
    }

    func testMeasuresOfOneRunFollowTheirDefinitions() throws {
        let study = try study { try writeRun("\($0)/seed-1/expected", seed: 1, right: 85) }
        let mean = study.variants[0].mean
        // 0.1 · 0.09 + 0.5 · 0.04 + 0.4 · 0.01, and the predictor.
        let cost = 0.009 + 0.02 + 0.004 + 0.005
        let expected: [StudyMeasure: Double] = [
            .top1: 0.85, .gigaFLOPs: cost, .share: cost / 0.09, .gainOverLargest: -0.05,
            .gainOverRandomShares: 0.85 - (0.1 * 0.9 + 0.5 * 0.8 + 0.4 * 0.6),
            // Between 64 at 0.04 and 32 at 0.01.
            .gainOverRandomCost: 0.85 - (0.6 + 0.2 * (cost - 0.01) / 0.03),
            // 64 costs a little more.
            .gainOverBestFixed: 0.25,
            // 10 steps of 2 s, 10 of 1 s.
            .fineTuneSeconds: 30,
        ]
        XCTAssertEqual(Set(mean.keys), Set(expected.keys))
        for (measure, value) in expected { XCTAssertEqual(mean[measure] ?? .nan, value, accuracy: 1e-9, "\(measure)") }
        XCTAssertEqual(study.variants[0].deviation, [:])
        XCTAssertEqual(study.variants[0].shares, [0.1, 0.5, 0.4])
        XCTAssertEqual(study.variants[0].seeds[0].bestFixed, 32)
        XCTAssertEqual(study.notes, [])
    }

    func testASmallerResolutionMayBeTheBestOfTheSameCost() throws {
        let study = try study { try writeRun("\($0)/seed-1/expected", seed: 1, right: 85, fixed: [70, 95, 88]) }
        // 96 is beyond its cost and so is 64, whose accuracy is the best.
        XCTAssertEqual(try XCTUnwrap(study.variants[0].mean[.gainOverBestFixed]), -0.03, accuracy: 1e-9)
        XCTAssertEqual(try XCTUnwrap(study.variants[0].mean[.gainOverLargest]), 0.15, accuracy: 1e-9)
    }

    func testMeanAndDeviationAreOverSeeds() throws {
        let study = try study { folder in
            for (seed, right) in [(1, 80), (2, 84), (3, 88)] {
                try writeRun("\(folder)/seed-\(seed)/expected", seed: seed, right: right)
                try writeRun("\(folder)/seed-\(seed)/dense", seed: seed, right: 82, warning: seed == 2 ? "collapsed" : nil)
                try writeRun(
                    "\(folder)/seed-\(seed)/warm-up", seed: seed, right: 0, stages: "{warmUp: {epochs: 2, learningRate: {base: 0.01}}}")
            }
        }
        XCTAssertEqual(study.variants.map(\.name), ["dense", "expected"], "the warm-up is no variant")
        let (dense, expected) = (study.variants[0], study.variants[1])
        XCTAssertEqual(try XCTUnwrap(expected.mean[.top1]), 0.84, accuracy: 1e-9)
        XCTAssertEqual(try XCTUnwrap(expected.deviation[.top1]), 0.04, accuracy: 1e-9)
        XCTAssertEqual(try XCTUnwrap(dense.deviation[.top1]), 0, accuracy: 1e-9)
        XCTAssertEqual(expected.standardError, (0.84 * 0.16 / 100).squareRoot(), accuracy: 1e-9)
        XCTAssertEqual([dense.warnedRuns, expected.warnedRuns], [1, 0])
        XCTAssertEqual(dense.warnings, ["seed 2: collapsed"])
        let lines = study.text().split(separator: "\n").map {
            $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        }
        XCTAssertTrue(lines[3].hasPrefix("expected 84.0 ± 4.0 0.0380 ± 0.0000 42.2 ± 0.0 -6.0 ± 4.0 +11.0 ± 4.0"), lines[3])
        XCTAssertTrue(lines[3].hasSuffix("30.0 ± 0.0 10.0 / 50.0 / 40.0 0 of 3"), lines[3])
        XCTAssertTrue(study.markdown().contains("| expected | 84.0 ± 4.0 | "), study.markdown())
    }

    func testFoldsArePooledByTheirImages() throws {
        let study = try study { folder in
            try writeRun("\(folder)/seed-1-fold-1-of-2/expected", seed: 1, fold: "1/2", images: 100, right: 90)
            try writeRun("\(folder)/seed-1-fold-2-of-2/expected", seed: 1, fold: "2/2", images: 300, right: 150)
        }
        let variant = study.variants[0]
        XCTAssertEqual(variant.seeds.map(\.images), [400])
        XCTAssertEqual([variant.runs, variant.seeds[0].runs], [2, 2])
        XCTAssertEqual(try XCTUnwrap(variant.mean[.top1]), 240.0 / 400, accuracy: 1e-9)
        // 90 of each fold are right at 96.
        XCTAssertEqual(variant.seeds[0].fixedTop1[0], 180.0 / 400, accuracy: 1e-9)
        XCTAssertEqual(variant.deviation, [:], "folds are no seeds")
        XCTAssertEqual(try XCTUnwrap(variant.mean[.fineTuneSeconds]), 30, accuracy: 1e-9)
        XCTAssertEqual(study.notes, [])
    }

    /// `launch/study --rotate`.
    func testOneFoldASeedLacksNoneAndItsImagesAddUp() throws {
        let study = try study { folder in
            for (seed, images) in [(1, 100), (2, 300)] {
                try writeRun("\(folder)/seed-\(seed)-fold-\(seed)-of-2/expected", seed: seed, fold: "\(seed)/2", images: images, right: 90)
            }
        }
        XCTAssertEqual(study.notes, [])
        XCTAssertEqual(study.variants[0].seeds.map(\.images), [100, 300])
        XCTAssertEqual(study.variants[0].images, 400)
        XCTAssertEqual(study.variants[0].standardError, (0.6 * 0.4 / 400).squareRoot(), accuracy: 1e-9)
    }

    func testWhatIsMissingIsSaid() throws {
        let study = try study { folder in
            try writeRun("\(folder)/seed-1/expected", seed: 1, right: 90)
            try writeRun("\(folder)/seed-2/expected", seed: 2, right: 90)
            try writeRun("\(folder)/seed-1/probe", seed: 1, right: 90)
            try writeRun("\(folder)/seed-2/probe", seed: 2, right: 90, isFinished: false)
            try FileManager.default.createDirectory(atPath: "\(folder)/seed-2/figures", withIntermediateDirectories: true)
        }
        XCTAssertEqual(study.notes.count, 2)
        XCTAssertTrue(study.notes[0].hasPrefix("not finished, and left out: ") && study.notes[0].hasSuffix("/seed-2/probe"), study.notes[0])
        XCTAssertTrue(study.notes[1].hasPrefix("probe lacks seed 2: "), study.notes[1])
        let folds = try self.study { try writeRun("\($0)/seed-1-fold-1-of-3/expected", seed: 1, fold: "1/3", right: 90) }
        XCTAssertEqual(folds.notes.map { String($0.prefix(45)) }, ["expected lacks seed 1, fold 2/3; seed 1, fold"])
    }

    func testRunsThatDoNotGoTogetherAreRefused() throws {
        let cases: [(String, (String) throws -> Void)] = [
            ("holds no finished run of a study", { _ in }),
            ("but 1 unfinished", { try self.writeRun("\($0)/seed-1/probe", seed: 1, right: 0, isFinished: false) }),
            (
                "two runs of probe with seed 1",
                {
                    try self.writeRun("\($0)/a/probe", seed: 1, right: 9)
                    try self.writeRun("\($0)/b/probe", seed: 1, right: 9)
                }
            ),
            (
                "different numbers of folds",
                {
                    try self.writeRun("\($0)/a/probe", seed: 1, right: 9)
                    try self.writeRun("\($0)/b/probe", seed: 1, fold: "1/5", right: 9)
                }
            ),
            (
                "evaluation.json",
                {
                    try self.writeRun("\($0)/a/probe", seed: 1, right: 9)
                    try "{}".write(toFile: "\($0)/a/probe/evaluation.json", atomically: true, encoding: .utf8)
                }
            ),
        ]
        for (message, write) in cases {
            XCTAssertThrowsError(try study(write), message) { XCTAssertTrue("\($0)".contains(message), "\($0)") }
        }
        XCTAssertThrowsError(try Study(path: "/nowhere"))
    }

    func testFilesHoldTheSame() throws {
        try withTemporaryFolder { folder in
            try writeRun("\(folder)/seed-1/expected", seed: 1, right: 85)
            let study = try Study(path: folder)
            try study.save()
            XCTAssertEqual(try String(contentsOfFile: folder + "/study.md", encoding: .utf8), study.markdown())
            let json =
                try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder + "/study.json"))) as? [String: Any]
            let variant = try XCTUnwrap((json?["variants"] as? [[String: Any]])?.first)
            XCTAssertEqual((variant["mean"] as? [String: Double])?["top1"], 0.85)
            XCTAssertEqual(variant["name"] as? String, "expected")
        }
    }
}
