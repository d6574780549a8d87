import DynamicResolution
import NeuralNetwork
import TestSupport
import XCTest

@testable import Configuration
@testable import Inference

final class ModelBuilderTests: XCTestCase {
    /// The predictor's answers for a few images.
    private func policies(_ overrides: [String]) throws -> [[Float]] {
        let configuration = try TrainingConfiguration.load(path: "\(repositoryRoot)/configs/quickstart.yaml", overrides: overrides)
        let predictor = try XCTUnwrap(DRNet(configuration, classCount: 6).predictor)
        let shape = Shape(batch: 4, height: 48, width: 48, channels: 3)
        let logits = try predictor.forward(Tensor(shape, Formula.values("images", shape.count)), Pass(.training)).output.values
        let policy = Logits.softmax(logits, columns: 3)
        return (0..<4).map { Array(policy[3 * $0..<3 * $0 + 3]) }
    }

    func testAPredictorStartsUniform() throws {
        for policy in try policies([]) { XCTAssertEqual(policy, [Float](repeating: 1 / 3, count: 3)) }
    }

    func testTheScaleOfItsLastLayerCanBeSet() throws {
        let usual = try policies(["predictor.lastLayerScale=1"])
        XCTAssertNotEqual(usual[0], usual[1])
        XCTAssertGreaterThan(relativeDifference(usual[0], [1 / 3, 1 / 3, 1 / 3]), 0.03, "PyTorch's own prefers some")
        let small = try policies(["predictor.lastLayerScale=0.1"])
        for (small, usual) in zip(small, usual) {
            // The logits are a tenth.
            XCTAssertEqual(log(small[0] / small[1]), 0.1 * log(usual[0] / usual[1]), accuracy: 1e-3)
        }
    }
}
