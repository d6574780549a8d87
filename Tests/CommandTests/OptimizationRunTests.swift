import Foundation
import TestSupport
import XCTest

@testable import Interchange

/// AdamW, averaged weights, frozen stages, early stopping and recipes in whole runs. Steps 1–10 are warm-up, steps 11–25 are fine-tuning.
final class OptimizationRunTests: XCTestCase {
    private func set(_ settings: String...) -> [String] { settings.flatMap { ["--set", $0] } }

    private let modern = ["kind=adamw", "nesterov=false", "layerDecay=0.7", "emaDecay=0.9"].flatMap { ["--set", "optimizer." + $0] }

    private func checkpoint(_ run: SmallRun, _ name: String, step: Int) throws -> String {
        try XCTUnwrap(run.checkpoints(name).first { $0.hasSuffix(String(format: "-%09d", step)) }, "\(name) has no step \(step)")
    }

    private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    /// All files of the last checkpoint that hold tensors, averages included.
    private func tensors(_ run: SmallRun, _ name: String) throws -> [String: Data] {
        let last = try XCTUnwrap(run.checkpoints(name).last)
        let files = try FileManager.default.contentsOfDirectory(atPath: last).filter { $0.hasSuffix(".safetensors") }
        return try Dictionary(uniqueKeysWithValues: files.map { ($0, try bytes("\(last)/\($0)")) })
    }

    func testARunWithAdamWAndAveragesIsResumedWithTheSameBits() throws {
        try withSmallRun { run in
            for (name, ranks, steps) in [("one", nil, [3, 10, 18, 25]), ("two", 2, [12])] as [(String, Int?, [Int])] {
                let options = modern + (ranks == nil ? [] : set("batchNorm.mode=local"))
                try run.complete(name, ranks: ranks, options)
                let whole = try tensors(run, name)
                XCTAssertEqual(whole.count, 5, "\(whole.keys)")
                for step in steps {
                    let resumed = "\(name)-\(step)"
                    try run.cut(name, to: resumed, afterStep: step)
                    try run.complete(resumed, ranks: ranks, options + ["--resume"])
                    XCTAssertEqual(try tensors(run, resumed), whole, resumed)
                    XCTAssertEqual(run.losses(resumed), run.losses(name), resumed)
                }
            }
            let other = try run.train("one-3", ["--resume", "--set", "optimizer.kind=sgd"])
            XCTAssertTrue(other.errors.contains("optimizer.kind is sgd, was adamw"), other.text)
        }
    }

    func testAveragedWeightsDoNotDependOnTheNumberOfRanks() throws {
        try withSmallRun(trainingImages: 120) { run in
            let calm = set(
                "resolutions=[64,32]", "optimizer.batchSize=120", "policy.flopsTarget=0.8", "stages.warmUp.epochs=6",
                "stages.fineTune.epochs=4", "stages.warmUp.learningRate.base=1e-4", "stages.fineTune.learningRate.base=1e-4",
                "stages.recalibrate=null", "optimizer.emaDecay=0.9", "optimizer.layerDecay=0.7")
            func average(_ name: String) throws -> [Float] {
                let path = try XCTUnwrap(run.checkpoints(name).last) + "/classifier-ema.safetensors"
                let file = try SafetensorsFile(contentsOf: path)
                return try file.names.sorted().flatMap { try file.floats(of: $0) }
            }
            try run.complete("1", calm)
            for ranks in [2, 3] {
                try run.complete("\(ranks)", ranks: ranks, calm)
                XCTAssertLessThan(relativeDifference(try average("\(ranks)"), try average("1")), 1e-5, "\(ranks) ranks")
            }
            try run.complete("other", calm + set("stages.warmUp.learningRate.base=1e-2"))
            XCTAssertGreaterThan(relativeDifference(try average("other"), try average("1")), 1e-4, "the comparison can fail")
        }
    }

    func testAveragesAreEvaluatedHandedOnAndTakenAsPretrainedWeights() throws {
        try withSmallRun { run in
            // The averages are far from the weights, which jump with a large rate.
            let options =
                modern
                + set(
                    "optimizer.emaDecay=0.99", "stages.recalibrate=null", "stages.fineTune.learningRate={base: 0.02, kind: constant}")
            try run.complete("run", options)
            let last = try checkpoint(run, "run", step: 25)
            let (weights, averages) = (last + "/classifier.safetensors", last + "/classifier-ema.safetensors")
            XCTAssertNotEqual(try bytes(weights), try bytes(averages))

            // The loss of the first step of a new run with a rate that is almost 0 is that of its initial weights.
            let probe = set("stages.fineTune=null", "stages.recalibrate=null", "stages.warmUp={epochs: 1, learningRate: {base: 1e-9}}")
            func firstLoss(_ name: String, _ path: String) throws -> Double? {
                let result = try run.train(name, probe + set("classifier.pretrained=\(path)"))
                XCTAssertEqual(result.status, 0, result.text)
                return run.losses(name)[1]
            }
            XCTAssertEqual(try firstLoss("from run", run.path("run")), try firstLoss("from averages", averages))
            XCTAssertNotEqual(try firstLoss("from weights", weights), try firstLoss("from checkpoint", last))

            // Evaluation of the run, and of a run without averages whose weights are the averages.
            try run.complete("plain", set("stages.recalibrate=null"))
            let plain = try checkpoint(run, "plain", step: 25)
            func predictions(_ name: String) throws -> Data {
                let path = run.path(name + ".csv")
                let result = try run.drnet(["evaluate", run.path(name), "--predictions", path])
                XCTAssertEqual(result.status, 0, result.text)
                return try bytes(path)
            }
            let expected = try predictions("run")
            for (suffix, isEqual) in [("-ema", true), ("", false)] {
                for network in ["classifier", "predictor"] {
                    try replace("\(network).safetensors", in: plain, with: "\(last)/\(network)\(suffix).safetensors")
                }
                XCTAssertEqual(try predictions("plain") == expected, isEqual, suffix)
            }
        }
    }

    /// Replaces a file of a checkpoint, and its checksum in the manifest.
    private func replace(_ file: String, in checkpoint: String, with source: String) throws {
        try FileManager.default.removeItem(atPath: "\(checkpoint)/\(file)")
        try FileManager.default.copyItem(atPath: source, toPath: "\(checkpoint)/\(file)")
        let path = checkpoint + "/manifest.json"
        let old = try CheckpointManifest.read(path)
        var files = old.files
        files[file] = try CheckpointManifest.describe("\(checkpoint)/\(file)")
        try JSON.write(CheckpointManifest(step: old.step, files: files, state: Data(old.state.utf8)), to: path)
    }

    func testAStageBeginsWithTheAveragesOfTheStageBefore() throws {
        try withSmallRun { run in
            let options = modern + set("stages.fineTune.freeze=classifier")
            try run.complete("run", options)
            let (warmedUp, fineTuned) = (try checkpoint(run, "run", step: 10), try checkpoint(run, "run", step: 25))
            let average = try SafetensorsFile(contentsOf: warmedUp + "/classifier-ema.safetensors")
            for name in ["classifier", "classifier-ema"] {
                let frozen = try SafetensorsFile(contentsOf: "\(fineTuned)/\(name).safetensors")
                for tensor in average.names {
                    XCTAssertEqual(try frozen.floats(of: tensor), try average.floats(of: tensor), "\(name): \(tensor)")
                }
            }
            let recalibrated = try checkpoint(run, "run", step: 26)
            let before = try SafetensorsFile(contentsOf: fineTuned + "/predictor-ema.safetensors")
            let after = try SafetensorsFile(contentsOf: recalibrated + "/predictor.safetensors")
            XCTAssertEqual(try after.floats(of: "conv1.weight"), try before.floats(of: "conv1.weight"))
            XCTAssertNotEqual(try after.floats(of: "bn1.running_mean"), try before.floats(of: "bn1.running_mean"))
            XCTAssertEqual(
                try bytes(recalibrated + "/predictor.safetensors"), try bytes(recalibrated + "/predictor-ema.safetensors"))
        }
    }

    func testFrozenStagesKeepEveryBitThroughTheRun() throws {
        try withSmallRun { run in
            try run.complete("first", set("stages.fineTune=null", "stages.recalibrate=null"))
            let pretrained = run.path("first")
            let source = try SafetensorsFile(contentsOf: try XCTUnwrap(run.checkpoints("first").last) + "/classifier.safetensors")
            for (name, ranks, more) in [
                ("sgd", nil, []),
                (
                    "adamw", 3,
                    modern
                        + set(
                            "optimizer.batchSize=2", "stages.warmUp={epochs: 1, learningRate: {base: 1e-3}}", "stages.fineTune.epochs=1")
                ),
                ("straight-through", 2, set("policy.estimator=straight-through", "batchNorm.mode=local")),
            ] as [(String, Int?, [String])] {
                try run.complete(
                    name, ranks: ranks, more + set("classifier.pretrained=\(pretrained)", "classifier.freezeStages=2"))
                let file = try SafetensorsFile(contentsOf: try XCTUnwrap(run.checkpoints(name).last) + "/classifier.safetensors")
                for tensor in file.names {
                    let isFrozen = ["conv1.", "bn1.", "layer1."].contains { tensor.hasPrefix($0) }
                    XCTAssertEqual(try file.floats(of: tensor) == source.floats(of: tensor), isFrozen, "\(name): \(tensor)")
                }
            }
        }
    }

    func testAStageEndsWhenItsScoreNoLongerRises() throws {
        try withSmallRun { run in
            // Without an update, the score of the first evaluation is never exceeded.
            let options = set(
                "stages.warmUp={epochs: 9, patience: 2, learningRate: {base: 1e-30}}", "batchNorm.momentum=1e-30",
                "optimizer.weightDecay=0")
            let expected = (1...3).map { "evaluation warmUp \($0)" }
            for ranks in [nil, 2] as [Int?] {
                let name = "run-\(ranks ?? 1)"
                let result = try run.train(name, ranks: ranks, options)
                XCTAssertEqual(result.status, 0, result.text)
                XCTAssertTrue(result.output.contains("warmUp ends after epoch 3 of 9: 2 evaluations without a better score"), result.text)
                XCTAssertEqual(run.milestones(name).filter { $0.hasPrefix("evaluation warmUp") }, expected)
                XCTAssertTrue(run.milestones(name).contains("evaluation fineTune 3"), "later stages follow")
            }
            for step in [5, 12, 15, 18] {
                let resumed = "resumed-\(step)"
                try run.cut("run-1", to: resumed, afterStep: step)
                try run.complete(resumed, options + ["--resume"])
                XCTAssertEqual(run.milestones(resumed), run.milestones("run-1"), resumed)
                XCTAssertTrue(try run.weights(resumed) == run.weights("run-1"), resumed)
            }
        }
    }

    func testARecipeTrainsAndItsExpansionIsInTheRunFolder() throws {
        try withSmallRun { run in
            try run.complete("first", set("stages.fineTune=null", "stages.recalibrate=null"))
            let path = run.path("recipe.yaml")
            let text = """
                recipe: fine-tune-small
                resolutions: [48, 32]
                data: {folder: \(run.path("data")), resizeRatio: 1}
                classifier: {architecture: resnet18, width: 0.125, pretrained: \(run.path("first"))}
                optimizer: {batchSize: 12}
                stages: {warmUp: {epochs: 1}}
                """
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let result = try run.drnet(["train", path, "-o", run.path("run")])
            XCTAssertEqual(result.status, 0, result.text)
            let resolved = try String(contentsOfFile: run.path("run") + "/config.yaml", encoding: .utf8)
            for line in ["recipe: \"fine-tune-small\"", "  kind: adamw", "  batchSize: 12", "  layerDecay: 0.9", "  kind: cascade"] {
                XCTAssertTrue(resolved.contains("\(line)\n"), line)
            }
            let again = try run.drnet(["train", run.path("run") + "/config.yaml", "-o", run.path("again")])
            XCTAssertEqual(again.status, 0, again.text)
            XCTAssertEqual(try tensors(run, "again"), try tensors(run, "run"))
        }
    }
}
