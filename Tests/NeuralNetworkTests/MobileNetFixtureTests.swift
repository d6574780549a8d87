import TestSupport
import XCTest

@testable import NeuralNetwork

/// Compares a whole MobileNetV2, forward and backward, with torchvision in double precision.
final class MobileNetFixtureTests: XCTestCase {
    func testLogitsAndGradientsMatchTorchvision() throws {
        let fixture = try Fixture("mobilenet")
        let network = MobileNetV2.Architecture(width: 0.25).makeNetwork(outputs: 5, resolutionCount: nil)
        network.setValues(ofFixture: "mobilenet")
        let images = Tensor(Shape(batch: 4, height: 64, width: 64, channels: 3), Formula.values("images", 4 * 64 * 64 * 3))
        let forward = try network.forward(images, Pass(.training))
        assertClose(forward.output.values, try fixture("logits"), relativeTolerance: 1e-4, absoluteTolerance: 1e-4, "logits")
        try XCTUnwrap(forward.pullback)(Tensor(forward.output.shape, Formula.values("mobilenet.gradient", 20)))
        XCTAssertEqual(fixture.names.count, network.arena.parameters.count + 1)
        for parameter in network.arena.parameters {
            let gradient = parameter.fileGradient()
            let some = stride(from: 0, to: gradient.count, by: max(1, gradient.count / 40)).map { gradient[$0] }
            let expected = try fixture(parameter.name)
            if expected.allSatisfy({ abs($0) < 1e-12 }) {
                // The next batch norm cancels this bias, so its gradient is only rounding error.
                XCTAssertLessThan(some.map(abs).max() ?? 1, 1e-4, parameter.name)
            } else {
                // The tolerance covers 52 layers in single precision and the kinks of ReLU6.
                XCTAssertLessThan(relativeDifference(some, expected), 1e-3, parameter.name)
            }
        }
    }
}
