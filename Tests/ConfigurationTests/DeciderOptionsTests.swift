import DynamicResolution
import TestSupport
import XCTest

@testable import Configuration

/// The keys of `predictor` and `policy` that select what chooses resolutions.
final class DeciderOptionsTests: XCTestCase {
    private let minimal = """
        resolutions: [96, 64, 48]
        data: {folder: photos}
        classifier: {architecture: mobilenet_v2, pretrained: weights.safetensors}
        optimizer: {batchSize: 32}
        stages:
          warmUp: {epochs: 3, learningRate: {base: 0.1}}
          fineTune: {epochs: 2, learningRate: {base: 0.01}}
        """

    private func load(_ overrides: [String], _ text: String? = nil) throws -> TrainingConfiguration {
        try TrainingConfiguration.load(text: text ?? minimal, path: "run.yaml", overrides: overrides)
    }

    private func problems(_ overrides: [String]) -> String {
        configurationProblems { try load(overrides) }.joined(separator: "\n")
    }

    func testEachKindHasItsNetwork() throws {
        let published = try load([])
        XCTAssertEqual(published.decider, .network(inputSize: 128))
        let blocks = try load(["predictor.architecture=classifier", "predictor.blocks=3", "predictor.inputSize=64"])
        XCTAssertTrue(blocks.predictor.warmStart, "the classifier's own layers always fit")
        XCTAssertTrue(blocks.hasWarmStart)
        let names = try XCTUnwrap(blocks.predictorDefinition(classCount: 10)).tensors.map(\.name)
        XCTAssertTrue(names.contains { $0.hasPrefix("features.3.") } && !names.contains { $0.hasPrefix("features.4.") })
        let learned = try load(["predictor.kind=cascade", "predictor.head=learned"])
        XCTAssertEqual(learned.decider, .cascade(.learned))
        XCTAssertEqual(learned.predictorDefinition(classCount: 10)?.tensors.first?.fileShape, [32, 1280 + 5])
        XCTAssertEqual(learned.predictorDefinition(classCount: 3)?.tensors.first?.fileShape, [32, 1280 + 3], "three classes")
        let threshold = try load(["predictor.kind=cascade", "stages.fineTune=null"])
        XCTAssertEqual(threshold.decider, .cascade(.threshold))
        XCTAssertNil(threshold.predictorDefinition(classCount: 10))
        XCTAssertEqual(try load(["stages.fineTune=null"]).decider, .cascade(.threshold), "it needs no training")
        XCTAssertNil(try load(["stages.fineTune=null", "predictor.kind=none"]).decider)
        XCTAssertNil(try load(["stages.fineTune=null", "resolutions=[96]"]).decider, "no choice")
        for configuration in [blocks, learned, threshold] { XCTAssertEqual(try load([], configuration.yaml()), configuration) }
    }

    func testRegressionPredictsLossesAndHasNoEntropy() throws {
        let regression = try load(["policy.estimator=regression"])
        XCTAssertEqual(regression.decisionOutputs, .losses)
        XCTAssertEqual(regression.policy.terms, PolicyTerms())
        XCTAssertEqual(regression.policy.batchNormImages, .all)
        XCTAssertTrue(regression.policy.hasMultiplier)
        XCTAssertEqual(try load([]).decisionOutputs, .policy)
        XCTAssertEqual(try load([], regression.yaml()), regression)
    }

    func testCombinationsThatDoNotFitAreRefusedByName() {
        for (overrides, message) in [
            (["predictor.kind=cascade"], "predictor.head' is threshold, which has nothing to train in stages.fineTune"),
            (["predictor.architecture=classifier", "predictor.blocks=18"], "predictor.blocks' is 18, but mobilenet_v2 has 17 blocks"),
            (["predictor.kind=cascade", "predictor.head=learned", "predictor.warmStart=true"], "has no layers to copy"),
            (["policy.estimator=regression", "policy.entropyWeight=0.1"], "policy.entropyWeight' is set, but policy.estimator regression"),
            (["policy.estimator=regression", "policy.balanceWeight=0.1"], "policy.balanceWeight' is set"),
            (["policy.estimator=regression", "policy.batchNormImages=routed"], "policy.estimator regression runs every image"),
            (["predictor.kind=cascade", "stages.fineTune=null", "policy.flopsTarget=0.2"], "even the smallest resolution"),
            (["policy.heldOutParts=5"], "policy.heldOutParts' is 5, but"), (["policy.heldOutParts=1"], "leaves the classifier no images"),
            (["predictor.kind=forest"], "predictor.kind"), (["predictor.kind=none"], "predictor.kind' is none, but stages.fineTune"),
            (["predictor.kind=none", "predictor.warmStart=true", "stages.fineTune=null"], "has no layers to copy"),
        ] {
            XCTAssertTrue(problems(overrides).contains(message), "\(overrides): \(problems(overrides))")
        }
        XCTAssertEqual(problems(["predictor.kind=cascade", "stages.fineTune=null", "policy.flopsTarget=0.35"]), "")
    }
}
