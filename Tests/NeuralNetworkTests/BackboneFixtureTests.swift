import TestSupport
import XCTest

@testable import NeuralNetwork

/// Compares whole networks of each family, forward and backward, with torchvision in double precision.
final class BackboneFixtureTests: XCTestCase {
    func testResNeXtMatchesTorchvision() throws {
        var architecture = ResNet.Architecture(
            bottleneck: true, blocks: [1, 1, 1, 1], stemWidth: 64, stageWidths: [64, 128, 256, 512])
        (architecture.groups, architecture.groupWidth) = (32, 4)
        try check("resnext", architecture)
    }

    func testMobileNetV3MatchesTorchvision() throws {
        let backbone = try XCTUnwrap(Backbone(rawValue: "mobilenet_v3_small"))
        try check("mobilenet_v3", backbone.architecture(.init(width: 0.25)), epsilon: backbone.batchNormEpsilon)
    }

    func testEfficientNetMatchesTorchvision() throws {
        try check("efficientnet", EfficientNet.Architecture(width: 0.25, depth: 0.5))
    }

    private func check(_ name: String, _ architecture: any NetworkArchitecture, epsilon: Double = 1e-5) throws {
        let fixture = try Fixture(name)
        let network = architecture.makeNetwork(outputs: 5, resolutionCount: nil, batchNormEpsilon: epsilon)
        for parameter in network.arena.parameters {
            let values = Formula.values("\(name)." + parameter.name, parameter.count)
            let scale = (3 / Double(parameter.count / parameter.fileShape[0])).squareRoot()
            parameter.setFileValues(
                values.map {
                    if parameter.fileShape.count > 1 { return Float(Double($0) * scale) }
                    return parameter.name.hasSuffix("bias") ? Float(0.1 * Double($0)) : Float(1 + 0.25 * Double($0))
                })
        }
        for copy in network.arena.batchNormCopies { copy.runningVariance.setFileValues([Float](repeating: 1, count: copy.channels)) }
        let shape = Shape(batch: 4, height: 64, width: 64, channels: 3)
        let statistics = StatisticsCollector(network.arena)
        let forward = try network.forward(Tensor(shape, Formula.values("images", shape.count)), Pass(.training, statistics: statistics))
        assertClose(forward.output.values, try fixture("logits"), relativeTolerance: 1e-4, absoluteTolerance: 1e-4, "\(name) logits")
        try XCTUnwrap(forward.pullback)(Tensor(forward.output.shape, Formula.values("\(name).gradient", 20)))
        XCTAssertEqual(fixture.names.count, network.arena.parameters.count + 2)
        // The tolerance covers all layers in single precision and the kinks of activations.
        for parameter in network.arena.parameters {
            let gradient = parameter.fileGradient()
            let some = stride(from: 0, to: gradient.count, by: max(1, gradient.count / 20)).map { gradient[$0] }
            let expected = try fixture(parameter.name)
            if expected.allSatisfy({ abs($0) < 1e-12 }) {
                // The next batch norm cancels this bias, so its gradient is only rounding error.
                XCTAssertLessThan(some.map(abs).max() ?? 1, 1e-4, parameter.name)
            } else {
                XCTAssertLessThan(relativeDifference(some, expected), 1e-3, parameter.name)
            }
        }
        // torchvision's MobileNetV3 has the momentum 0.01, the others PyTorch's.
        statistics.updateRunningStatistics(momentum: epsilon == 1e-5 ? 0.1 : 0.01)
        for (kind, logits) in [
            ("evaluation", try network.forward(Tensor(shape, Formula.values("images", shape.count)), Pass(.evaluation)).output.values),
            ("frozen", try FrozenNetwork(network).logits(Tensor(shape, Formula.values("images", shape.count))).values),
        ] {
            assertClose(logits, try fixture("evaluation"), relativeTolerance: 1e-4, absoluteTolerance: 1e-4, "\(name) \(kind)")
        }
    }
}
