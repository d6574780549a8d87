import NeuralNetwork
import TestSupport
import XCTest

@testable import Configuration

/// Keys of the optimiser, of the learning rate, of frozen stages and of early stopping.
final class OptimizationKeysTests: XCTestCase {
    private let minimal = """
        resolutions: [96, 64]
        data: {folder: photos}
        classifier: {architecture: resnet18}
        optimizer: {batchSize: 32}
        stages:
          warmUp: {epochs: 3, learningRate: {base: 0.1}}
          fineTune: {epochs: 2, learningRate: {base: 0.01}}
        """

    private func load(_ overrides: String...) throws -> TrainingConfiguration {
        try TrainingConfiguration.load(text: minimal, path: "run.yaml", overrides: overrides)
    }

    private func problems(_ overrides: String...) -> [String] {
        configurationProblems { try TrainingConfiguration.load(text: minimal, path: "run.yaml", overrides: overrides) }
    }

    func testNewKeysAreOffByDefault() throws {
        let configuration = try load()
        XCTAssertEqual(configuration.optimizer.kind, .sgd)
        XCTAssertEqual(configuration.optimizer.weightDecay, 1e-4)
        XCTAssertEqual([configuration.optimizer.layerDecay, configuration.optimizer.emaDecay], [1, 0])
        XCTAssertEqual(configuration.classifier.freezeStages, 0)
        XCTAssertEqual(configuration.stages.warmUp?.patience, 0)
        XCTAssertEqual(configuration.stages.warmUp?.learningRate.batchFactor, 1)
        XCTAssertNil(configuration.recipe)
    }

    func testNewKeysComeBackFromTheResolvedText() throws {
        let configuration = try load(
            "optimizer={batchSize: 64, kind: adamw, betas: [0.8, 0.99], epsilon: 1e-6, layerDecay: 0.75, emaDecay: 0.9998}",
            "classifier={architecture: resnet18, pretrained: p, freezeStages: 5}", "stages.warmUp.patience=3", "stages.fineTune.patience=2",
            "stages.warmUp.learningRate={base: 1, kind: milestones, milestones: [1, 2], factor: 0.5}",
            "stages.fineTune.learningRate={base: 1, referenceBatch: 256, batchScaling: sqrt}")
        XCTAssertEqual(configuration.optimizer.kind, .adamW)
        XCTAssertEqual(configuration.optimizer.weightDecay, 0.01, "PyTorch's default of AdamW")
        XCTAssertEqual(configuration.optimizer.betas, [0.8, 0.99])
        XCTAssertEqual(configuration.stages.fineTune?.learningRate.batchFactor, 0.5)
        XCTAssertEqual(try TrainingConfiguration.load(text: configuration.yaml(), path: "config.yaml", overrides: []), configuration)
        XCTAssertEqual(configuration.classifierDefinition(classCount: 2).frozenStages, 5)
        XCTAssertEqual(configuration.predictorDefinition(classCount: 2)?.frozenStages, 0)
    }

    func testWrongValuesAreRefusedWithWhatIsAllowed() {
        for (overrides, message) in [
            (["optimizer.kind=adam"], "is 'adam'; allowed are sgd, adamw"),
            (["optimizer.betas=[0.9]"], "'optimizer.betas' takes a list of 2 numbers"),
            (["optimizer.betas=[0.9, 1]"], "'optimizer.betas' is 1; allowed is 0 or more and below 1"),
            (["optimizer.epsilon=0"], "'optimizer.epsilon' is 0; allowed is a number above 0"),
            (["optimizer.layerDecay=0"], "'optimizer.layerDecay' is 0; allowed is above 0, up to 1"),
            (["optimizer.emaDecay=1"], "'optimizer.emaDecay' is 1; allowed is 0 or more and below 1"),
            (["optimizer.kind=adamw", "optimizer.nesterov=true"], "has nesterov, but kind adamw has no momentum of that kind"),
            (["classifier.freezeStages=2"], "is 2, but these stages would keep their random initial weights: set classifier.pretrained"),
            (
                ["classifier.freezeStages=6", "classifier.pretrained=p"],
                "'classifier.freezeStages' is 6; resnet18 has 5 stages before its last layer, with the stem"
            ),
            (["stages.warmUp.patience=-1"], "'stages.warmUp.patience' is -1"),
            (["stages.warmUp.learningRate.kind=milestones"], "'stages.warmUp.learningRate.milestones' is missing; kind milestones takes"),
            (["stages.warmUp.learningRate.milestones=[2]"], "is [2], but kind is cosine: set kind to milestones, or remove the key"),
            (["stages.warmUp.learningRate={base: 1, kind: milestones, milestones: [2, 2]}"], "is [2, 2]; list each epoch once"),
            (["stages.warmUp.learningRate.batchScaling=cubic"], "is 'cubic'; allowed are linear, sqrt"),
            (["recipe=fine-tune-large"], "key 'recipe' is 'fine-tune-large'; allowed are fine-tune-small"),
        ] {
            var found: [String] = []
            do {
                _ = try TrainingConfiguration.load(text: minimal, path: "run.yaml", overrides: overrides)
            } catch {
                found = (error as? ConfigurationError)?.problems ?? ["\(error)"]
            }
            XCTAssertTrue(found.contains { $0.contains(message) }, "\(overrides): \(found)")
        }
        XCTAssertEqual(
            problems("classifier={architecture: mobilenet_v2, pretrained: p, freezeStages: 9}", "policy.flopsTarget=0.9"), [])
    }

    func testMilestonesMatchPyTorch() throws {
        let rate = "{base: 0.5, kind: milestones, milestones: [2, 5, 6], factor: 0.3}"
        let schedule = try XCTUnwrap(load("stages.warmUp={epochs: 9, learningRate: \(rate)}").stages.warmUp)
        let rates = (0..<9).map { Float(schedule.learningRate(at: Double($0))) }
        assertClose(rates, try Fixture("optimizer")("milestones"), "milestones")
        XCTAssertEqual(schedule.learningRate(at: 4.9), schedule.learningRate(at: 2))
    }

    func testRatesFollowTheBatchSize() throws {
        func rate(_ batch: Int, _ more: String) throws -> Double? {
            try load(
                "optimizer.batchSize=\(batch)", "stages.warmUp.learningRate={base: 0.1, warmUpEpochs: 1, kind: constant, \(more)}"
            ).stages.warmUp?.learningRate(at: 2)
        }
        XCTAssertEqual(try rate(64, "referenceBatch: 256"), 0.025)
        XCTAssertEqual(try rate(64, "referenceBatch: 256, batchScaling: sqrt"), 0.05)
        XCTAssertEqual(try rate(256, "referenceBatch: 256"), 0.1)
        XCTAssertEqual(try rate(64, "batchScaling: sqrt"), 0.1, "without a reference nothing is scaled")
    }
}
