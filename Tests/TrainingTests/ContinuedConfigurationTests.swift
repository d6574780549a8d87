import Configuration
import Inference
import TestSupport
import XCTest

@testable import Training

final class ContinuedConfigurationTests: XCTestCase {
    /// Stages: warmUp, fineTune and recalibrate.
    private func configuration(_ overrides: [String] = []) throws -> TrainingConfiguration {
        try TrainingConfiguration.load(
            path: repositoryRoot + "/configs/quickstart.yaml",
            overrides: ["stages.warmUp.epochs=4", "stages.fineTune.epochs=3", "stages.recalibrate.batches=2"] + overrides)
    }

    private func position(stage: Int, epoch: Int, step: Int = 0) -> TrainingPosition {
        var position = TrainingPosition()
        (position.stage, position.epoch, position.step, position.runStep) = (stage, epoch, step, 17)
        return position
    }

    private func continued(_ overrides: [String], at position: TrainingPosition) throws -> ContinuedConfiguration {
        try ContinuedConfiguration(
            try configuration(overrides), replacing: try configuration().values, at: position, folder: "runs/a")
    }

    func testAnEqualConfigurationChangesNothing() throws {
        let same = try continued([], at: position(stage: 1, epoch: 1))
        XCTAssertEqual(same.notes, [])
        XCTAssertEqual(same.changes, [])
        XCTAssertEqual(same.values, try configuration().values)
    }

    func testAChangedKeyIsTakenOverToldAndRemembered() throws {
        let changed = try continued(["metrics.everySteps=7", "stages.fineTune.epochs=9"], at: position(stage: 1, epoch: 1))
        XCTAssertEqual(
            changed.notes, ["metrics.everySteps is 7 from here on, was 10", "stages.fineTune.epochs is 9 from here on, was 3"])
        XCTAssertEqual(changed.values["stages.fineTune.epochs"], "9")
        XCTAssertEqual(
            changed.changes.map(\.comment), ["until step 17: metrics.everySteps: 10", "until step 17: stages.fineTune.epochs: 3"])
    }

    /// The multiplier, λ and the best score depend on the costs. A run of an earlier build has no such key and weighs multiply-adds.
    func testTheCostsThatDecisionsWeighCannotChange() throws {
        func table(_ times: String) -> String {
            "policy.cost={architecture: resnet18, width: 0.25, resolutions: [96, 64, 32], batchSize: 1, threads: 2, processor: p, "
                + "decider: 'residual network [8, 8, 16, 32, 64] at 48 pixels', classifierMilliseconds: \(times), predictorMilliseconds: 1}"
        }
        let place = position(stage: 1, epoch: 1)
        func values(_ overrides: [String]) throws -> TrainingConfiguration {
            try configuration(
                [
                    "classifier.architecture=resnet18", "classifier.width=0.25", "predictor.widths=[8, 8, 16, 32, 64]",
                    "predictor.inputSize=48",
                ] + overrides)
        }
        let (flops, first, second) = (try values([]), try values([table("[9, 5, 2]")]), try values([table("[9, 5, 3]")]))
        for (new, before, message) in [
            (second, first, "policy.cost is a table of [9, 5, 3] ms, was a table of [9, 5, 2] ms"),
            (flops, first, "policy.cost is flops, was a table of [9, 5, 2] ms"),
            (first, flops, "policy.cost is a table of [9, 5, 2] ms, was flops"),
        ] {
            XCTAssertThrowsError(try ContinuedConfiguration(new, replacing: before.values, at: place, folder: "runs/a")) {
                XCTAssertTrue("\($0)".contains(message), "\($0)")
            }
        }
        var earlier = flops.values
        earlier["policy.cost"] = nil
        XCTAssertEqual(try ContinuedConfiguration(flops, replacing: earlier, at: place, folder: "runs/a").notes, [])
        XCTAssertThrowsError(try ContinuedConfiguration(first, replacing: earlier, at: place, folder: "runs/a"))
        XCTAssertEqual(try ContinuedConfiguration(first, replacing: first.values, at: place, folder: "runs/a").notes, [])
    }

    func testEveryStageThatIsNotFinishedCanBeExtended() throws {
        // The last checkpoint of a stage is at the stage's end.
        for (stage, epoch, key) in [(0, 2, "warmUp"), (0, 4, "warmUp"), (0, 2, "fineTune"), (1, 3, "fineTune")] {
            XCTAssertEqual(
                try continued(["stages.\(key).epochs=9"], at: position(stage: stage, epoch: epoch)).values["stages.\(key).epochs"], "9")
        }
    }

    func testAFinishedStageCannotChangeAndTheMessageSaysHowToGoOn() throws {
        for (overrides, place, reason) in [
            (["stages.warmUp.epochs=9"], position(stage: 1, epoch: 0), "stages.warmUp.epochs is 9, was 4 (this stage is finished)"),
            (["stages.fineTune.learningRate.base=0.5"], position(stage: 2, epoch: 1), "this stage is finished"),
            (["stages.warmUp.epochs=2"], position(stage: 0, epoch: 3), "3 epochs of this stage are trained already"),
            (["optimizer.momentum=0.5"], position(stage: 2, epoch: 1), "the run is complete"),
            (["classifier.width=0.5"], position(stage: 0, epoch: 1), "networks"),
            (
                ["optimizer.kind=adamw", "optimizer.nesterov=false"], position(stage: 0, epoch: 1),
                "optimizer.kind is adamw, was sgd (the checkpoint has the other"
            ),
            (["data.sampling=balanced"], position(stage: 0, epoch: 1), "data.sampling is balanced, was shuffle"),
            (["data.repeats=2"], position(stage: 0, epoch: 1), "data.repeats is 2, was 1"),
        ] {
            XCTAssertThrowsError(try continued(overrides, at: place)) {
                for part in [reason, "runs/a: ", "--set classifier.pretrained=runs/a"] { XCTAssertTrue("\($0)".contains(part), "\($0)") }
            }
        }
    }

    func testARunWhoseLastStageEndedEarlyIsComplete() throws {
        let overrides = ["stages.recalibrate=null", "optimizer.momentum=0.5"]
        let old = try configuration(["stages.recalibrate=null"]).values
        func momentum(stagnates: Bool) throws -> String? {
            try ContinuedConfiguration(
                try configuration(overrides), replacing: old, at: position(stage: 1, epoch: 2), stagnates: stagnates, folder: "runs/a"
            ).values["optimizer.momentum"]
        }
        XCTAssertEqual(try momentum(stagnates: false), "0.5")
        XCTAssertThrowsError(try momentum(stagnates: true)) { XCTAssertTrue("\($0)".contains("the run is complete"), "\($0)") }
    }

    func testACompleteRunCanBeEvaluatedInAnotherWay() throws {
        let changed = try continued(["evaluation.batchSize=3", "kernels.winograd=false"], at: position(stage: 2, epoch: 1))
        XCTAssertEqual(changed.changes.map(\.key), ["evaluation.batchSize", "kernels.winograd"])
    }

    func testAKeyOfTheBeginningIsIgnoredAndKeepsItsValue() throws {
        let changed = try continued(["classifier.pretrained=x.safetensors"], at: position(stage: 0, epoch: 1))
        XCTAssertEqual(changed.values["classifier.pretrained"], "null")
        XCTAssertEqual(changed.changes, [])
        XCTAssertEqual(changed.notes.count, 1)
        XCTAssertTrue(changed.notes[0].contains("is ignored"), changed.notes[0])
    }

    func testAWarmStartCanChangeUntilFineTuningBegins() throws {
        let key = "predictor={widths: [16, 16, 32, 64, 128], inputSize: 64, warmStart: true}"
        let old = try configuration(["predictor={widths: [16, 16, 32, 64, 128], inputSize: 64}"]).values
        for (place, value) in [(position(stage: 0, epoch: 1), "true"), (position(stage: 1, epoch: 0, step: 1), "false")] {
            let changed = try ContinuedConfiguration(try configuration([key]), replacing: old, at: place, folder: "runs/a")
            XCTAssertEqual(changed.values["predictor.warmStart"], value)
        }
    }

    func testTheConfigurationFileTellsWhatHeldUntilWhen() throws {
        var state = TrainingState(
            identity: RunIdentity(
                seed: 1, resolutions: [], classes: [], trainingImages: 0, imageNames: "", batchSize: 1, accumulationSteps: 1, stages: []),
            configuration: try configuration())
        let new = try configuration(["metrics.everySteps=7", "classifier.pretrained=x.safetensors"])
        try state.replaceConfiguration(new, folder: "runs/a") { _ in }
        let text = state.yaml(new)
        XCTAssertTrue(text.hasPrefix("# until step 0: metrics.everySteps: 10\nseed: "), text)
        XCTAssertTrue(text.contains("everySteps: 7") && text.contains("pretrained: null"), text)
    }

    /// A renamed key must not keep its old name in these lists.
    func testTheListsOfKeysThatCannotChangeHaveExistingKeys() {
        let keys = Set(ConfigurationReference { _ in "" }.keys.map(\.key))
        XCTAssertEqual(KeyChange.fixed.union(KeyChange.initial).union(KeyChange.comparedElsewhere).subtracting(keys), [])
        for prefix in KeyChange.lasting { XCTAssertTrue(keys.contains { $0.hasPrefix(prefix) }, prefix) }
        for key in [
            "seed", "resolutions", "classifier.architecture", "classifier.width", "predictor.kind", "predictor.inputSize", "data.fold",
            "data.sampling", "data.repeats", "optimizer.kind", "optimizer.batchSize", "policy.cost", "policy.heldOutParts",
        ] {
            XCTAssertEqual(KeyChange(key), .never, key)
        }
        XCTAssertEqual(KeyChange("classifier.pretrained"), .atTheStart)
        XCTAssertEqual(KeyChange("stages.warmUp.epochs"), .beforeItsStageEnds)
        XCTAssertEqual(KeyChange("optimizer.weightDecay"), .beforeTheRunEnds)
        XCTAssertEqual(KeyChange("metrics.tensorBoard"), .always)
    }
}
