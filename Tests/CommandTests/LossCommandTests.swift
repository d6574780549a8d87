import Foundation
import TestSupport
import XCTest

/// Class weights and teachers, as the command takes them.
final class LossCommandTests: XCTestCase {
    /// Only warm-up, one epoch.
    private let short = ["stages.fineTune=null", "stages.recalibrate=null", "stages.warmUp.epochs=1"].flatMap { ["--set", $0] }

    private func classes(_ run: SmallRun) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: run.path("data/train")).sorted()
    }

    /// Leaves a class with fewer images.
    private func thin(_ name: String, to count: Int, _ run: SmallRun) throws {
        let folder = run.path("data/train/\(name)")
        for image in try FileManager.default.contentsOfDirectory(atPath: folder).sorted().dropFirst(count) {
            try FileManager.default.removeItem(atPath: "\(folder)/\(image)")
        }
    }

    func testBalancedClassWeightsFollowTheTrainingImages() throws {
        try withSmallRun(trainingImages: 24, validationImages: 6) { run in
            let names = try classes(run)
            try thin(names[0], to: 1, run)
            let counts = try names.map { try FileManager.default.contentsOfDirectory(atPath: run.path("data/train/\($0)")).count }
            let plain = try run.train("plain", short)
            XCTAssertEqual(plain.status, 0, plain.text)
            XCTAssertFalse(plain.text.contains("class weights"), plain.text)
            let balanced = try run.train("balanced", short + ["--set", "loss.classWeights=balanced"])
            XCTAssertEqual(balanced.status, 0, balanced.text)
            let weight = Double(counts.reduce(0, +)) / Double(names.count)
            XCTAssertTrue(balanced.text.contains("class weights: \(names[0]) \(String(format: "%.3g", weight)), "), balanced.text)
            // The same weights by name, up to their scale.
            let ratios = counts.map { 4.0 / Double($0) }
            let named = "{\(zip(names, ratios).map { "\($0): \($1)" }.joined(separator: ", "))}"
            try run.complete("named", short + ["--set", "loss.classWeights=\(named)"])
            for (step, loss) in run.losses("balanced") { XCTAssertEqual(run.losses("named")[step] ?? .nan, loss, accuracy: 1e-4 * loss) }
            XCTAssertNotEqual(run.losses("balanced")[1], run.losses("plain")[1], "negative control")
        }
    }

    func testAWeightOfAnUnknownClassIsRefusedOnceWithTheClasses() throws {
        try withSmallRun(trainingImages: 12, validationImages: 6) { run in
            let names = try classes(run)
            for ranks in [nil, 2] as [Int?] {
                let result = try run.train("run-\(ranks ?? 1)", ranks: ranks, short + ["--set", "loss.classWeights={zebra: 2}"])
                XCTAssertNotEqual(result.status, 0)
                let message =
                    "drnet: error: key 'loss.classWeights' names a class that does not exist: zebra; the data has \(names.count) classes: "
                    + names.joined(separator: ", ")
                XCTAssertEqual(result.errors.components(separatedBy: message).count, 2, result.text)
            }
        }
    }

    // MARK: - The teacher

    /// A run with class weights, a teacher and in-place distillation.
    private func taught(by teacher: String) -> [String] {
        [
            "distillation.teacher=\(teacher)", "distillation.weight=0.6", "loss.classWeights=balanced",
            "stages.warmUp.distillation.weight=0.5", "optimizer.labelSmoothing=0.1",
        ].flatMap { ["--set", $0] }
    }

    func testARunWithATeacherAndWeightsResumesFromAnyStepWithTheSameBits() throws {
        try withSmallRun { run in
            try run.complete("large", short + ["--set", "classifier.width=0.25"])
            for (name, ranks, steps) in [("one", nil, [3, 12]), ("two", 2, [3, 18])] as [(String, Int?, [Int])] {
                let options = taught(by: run.path("large"))
                let whole = try run.train(name, ranks: ranks, options)
                XCTAssertEqual(whole.status, 0, whole.text)
                XCTAssertTrue(
                    whole.text.contains("is a resnet18 of width 0.25; it sees images of 48 pixels"), whole.text)
                for step in steps {
                    let resumed = "\(name)-\(step)"
                    try run.cut(name, to: resumed, afterStep: step)
                    try run.complete(resumed, ranks: ranks, options + ["--resume"])
                    XCTAssertTrue(try run.weights(name) == run.weights(resumed), resumed)
                    XCTAssertEqual(run.losses(name), run.losses(resumed), resumed)
                }
            }
            // Both stages learn from the teacher.
            for stage in ["warmUp", "fineTune"] {
                let text = try String(contentsOfFile: run.path("one") + "/metrics.jsonl", encoding: .utf8)
                let steps = text.split(separator: "\n").filter { $0.contains("\"kind\":\"step\"") && $0.contains("\"\(stage)\"") }
                XCTAssertTrue(!steps.isEmpty && steps.allSatisfy { $0.contains("\"distillation\":") }, stage)
            }
            try run.complete("alone", ["--set", "loss.classWeights=balanced"])
            XCTAssertNotEqual(run.losses("alone")[11], run.losses("one")[11], "negative control")
        }
    }

    func testAResumedRunNeedsTheSameTeacher() throws {
        try withSmallRun(trainingImages: 24, validationImages: 6) { run in
            try run.complete("large", short + ["--set", "classifier.width=0.25"])
            try run.complete("other", short + ["--set", "classifier.width=0.25", "--set", "seed=9"])
            let file = run.path("teacher.safetensors")
            func use(_ name: String) throws {
                try? FileManager.default.removeItem(atPath: file)
                try FileManager.default.copyItem(
                    atPath: try XCTUnwrap(run.checkpoints(name).last) + "/classifier.safetensors", toPath: file)
            }
            try use("large")
            let options = taught(by: file)
            try run.complete("run", options)
            try run.cut("run", to: "cut", afterStep: 3)
            try use("other")
            for ranks in [nil, 2] as [Int?] {
                let changed = try run.train("cut", ranks: ranks, options + ["--resume"])
                XCTAssertEqual(changed.status, 1, changed.text)
                let message = "drnet: error: \(file): distillation.teacher is another file than the one that the run was trained with"
                XCTAssertEqual(changed.errors.components(separatedBy: message).count, 2, changed.text)
            }
            try FileManager.default.removeItem(atPath: file)
            let missing = try run.train("cut", options + ["--resume"])
            XCTAssertEqual(missing.status, 1, missing.text)
            XCTAssertTrue(missing.errors.contains(file), missing.text)
            // A complete run is evaluated without its teacher, and predicts without it.
            let complete = try run.train("run", options + ["--resume"])
            XCTAssertEqual(complete.status, 0, complete.text)
            let evaluated = try run.drnet(["evaluate", run.path("run")])
            XCTAssertEqual(evaluated.status, 0, evaluated.text)
            // The same file under another path, or no teacher any more.
            try use("large")
            try FileManager.default.moveItem(atPath: file, toPath: file + ".moved")
            try run.cut("run", to: "moved", afterStep: 3)
            let moved = try run.train("moved", taught(by: file + ".moved") + ["--resume"])
            XCTAssertEqual(moved.status, 0, moved.text)
            XCTAssertTrue(try run.weights("moved") == run.weights("run"))
            try run.cut("run", to: "alone", afterStep: 3)
            let alone = try run.train("alone", options + ["--resume", "--set", "distillation.teacher=null"])
            XCTAssertEqual(alone.status, 0, alone.text)
            XCTAssertTrue(alone.text.contains("distillation.teacher is null from here on"), alone.text)
        }
    }

    func testATeacherOfOtherClassesIsRefusedBeforeTraining() throws {
        try withSmallRun(trainingImages: 24, validationImages: 6) { run in
            try run.complete("large", short)
            let name = try classes(run)[0]
            for split in ["train", "val"] {
                try FileManager.default.moveItem(atPath: run.path("data/\(split)/\(name)"), toPath: run.path("data/\(split)/0-other"))
            }
            let result = try run.train("run", ranks: 2, taught(by: run.path("large")))
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertTrue(
                result.errors.contains("distillation.teacher was trained on other classes (new: \(name); missing: 0-other)"), result.text)
            XCTAssertTrue(run.checkpoints("run").isEmpty)
        }
    }
}
