import Foundation
import Kernels
import TestSupport
import XCTest

@testable import NeuralNetwork

/// Compares whole networks of each family, forward and backward, with torchvision in double precision.
final class BackboneFixtureTests: XCTestCase {
    /// The architecture of a fixture, and ε of its batch norms.
    private func architecture(ofFixture name: String) throws -> (any NetworkArchitecture, epsilon: Double) {
        switch name {
        case "resnext":
            var architecture = ResNet.Architecture(
                bottleneck: true, blocks: [1, 1, 1, 1], stemWidth: 64, stageWidths: [64, 128, 256, 512])
            (architecture.groups, architecture.groupWidth) = (32, 4)
            return (architecture, 1e-5)
        case "efficientnet": return (EfficientNet.Architecture(width: 0.25, depth: 0.5), 1e-5)
        default:
            let names = ["mobilenet_v3": "mobilenet_v3_small", "mnasnet": "mnasnet1_0"]
            let backbone = try XCTUnwrap(names[name].flatMap(Backbone.init(rawValue:)), name)
            return (backbone.architecture(.init(width: 0.25)), backbone.batchNormEpsilon)
        }
    }

    func testResNeXtMatchesTorchvision() throws { try check("resnext") }

    func testMobileNetV3MatchesTorchvision() throws { try check("mobilenet_v3") }

    func testEfficientNetMatchesTorchvision() throws { try check("efficientnet") }

    func testMNASNetMatchesTorchvision() throws { try check("mnasnet") }

    private func check(_ name: String) throws {
        let (architecture, epsilon) = try architecture(ofFixture: name)
        let fixture = try Fixture(name)
        let network = network(name, architecture, epsilon: epsilon)
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
        // torchvision's momentum.
        statistics.updateRunningStatistics(momentum: ["mobilenet_v3": 0.01, "mnasnet": 0.0003][name] ?? 0.1)
        for (kind, logits) in [
            ("evaluation", try network.forward(Tensor(shape, Formula.values("images", shape.count)), Pass(.evaluation)).output.values),
            ("frozen", try FrozenNetwork(network).logits(Tensor(shape, Formula.values("images", shape.count))).values),
        ] {
            assertClose(logits, try fixture("evaluation"), relativeTolerance: 1e-4, absoluteTolerance: 1e-4, "\(name) \(kind)")
        }
    }

    /// The network of a fixture.
    private func network(_ name: String, _ architecture: any NetworkArchitecture, epsilon: Double) -> Network {
        let network = architecture.makeNetwork(outputs: 5, resolutionCount: nil, batchNormEpsilon: epsilon)
        network.setValues(ofFixture: name)
        for copy in network.arena.batchNormCopies { copy.runningVariance.setFileValues([Float](repeating: 1, count: copy.channels)) }
        return network
    }

    /// A whole step whose convolutions are all in bfloat16, beside PyTorch's autocast, which also stores activations in bfloat16. The
    /// errors are relative to double precision. They are large, because statistics of four small images amplify every rounding. Which
    /// rounding happens where is chance: the ratios are 0.40 to 0.91 for logits, and 0.48 to 1.12 for gradients.
    func testAStepInBFloat16IsAsCloseToDoublePrecisionAsPyTorchsAutocast() throws {
        struct Errors: Decodable {
            var logits: Double
            var gradients: Double
        }
        let data = try Data(contentsOf: URL(fileURLWithPath: repositoryRoot + "/Tests/Fixtures/autocast.json"))
        let context = KernelContext(threadCount: 1, winograd: .never, precision: .bfloat16)
        for (name, autocast) in try JSONDecoder().decode([String: Errors].self, from: data).sorted(by: { $0.key < $1.key }) {
            let (architecture, epsilon) = try architecture(ofFixture: name)
            let (fixture, network) = (try Fixture(name), network(name, architecture, epsilon: epsilon))
            let shape = Shape(batch: 4, height: 64, width: 64, channels: 3)
            let images = Tensor(shape, Formula.values("images", shape.count), context)
            let forward = try network.forward(images, Pass(.training, statistics: StatisticsCollector(network.arena)))
            try XCTUnwrap(forward.pullback)(Tensor(forward.output.shape, Formula.values("\(name).gradient", 20), context))
            var (actual, expected): ([Float], [Float]) = ([], [])
            for parameter in network.arena.parameters {
                let gradient = parameter.fileGradient()
                actual += stride(from: 0, to: gradient.count, by: max(1, gradient.count / 20)).map { gradient[$0] }
                expected += try fixture(parameter.name)
            }
            let (logits, gradients) = (
                relativeDifference(forward.output.values, try fixture("logits")), relativeDifference(actual, expected)
            )
            print("\(name): logits \(logits / autocast.logits), gradients \(gradients / autocast.gradients) of autocast's error")
            XCTAssertLessThan(logits, 1.25 * autocast.logits, name)
            XCTAssertLessThan(gradients, 1.25 * autocast.gradients, name)
            XCTAssertGreaterThan(logits, 1e-4, "\(name): products of floats are closer")
        }
    }
}

extension Network {
    /// Sets the parameters to the values with which make_fixtures.py and make_backbone_fixtures.py compute.
    func setValues(ofFixture name: String) {
        for parameter in arena.parameters {
            let values = Formula.values("\(name)." + parameter.name, parameter.count)
            let scale = (3 / Double(parameter.count / parameter.fileShape[0])).squareRoot()
            parameter.setFileValues(
                values.map {
                    if parameter.fileShape.count > 1 { return Float(Double($0) * scale) }
                    return parameter.name.hasSuffix("bias") ? Float(0.1 * Double($0)) : Float(1 + 0.25 * Double($0))
                })
        }
    }
}
