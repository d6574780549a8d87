import XCTest

@testable import NeuralNetwork

/// Compares the initialization with torchvision's: He's normal on the fan-out for convolutions, 1 and 0 for batch norms, torch.nn.Linear's
/// uniform for the last layer of a ResNet, N(0, 0.01²) and 0 for the last layer of a MobileNetV2.
final class InitializationTests: XCTestCase {
    private func moments(_ parameter: Parameter) -> (mean: Double, deviation: Double, largest: Double) {
        let values = parameter.fileValues().map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        return (mean, variance.squareRoot(), values.map(abs).max()!)
    }

    private func parameter(_ network: Network, _ name: String) throws -> Parameter {
        try XCTUnwrap(network.arena.parameters.first { $0.name == name }, name)
    }

    func testResNetInitializationMatchesTorchvision() throws {
        let architecture = try XCTUnwrap(Backbone(rawValue: "resnet18")).architecture(BackboneOptions(zeroInitResidual: true))
        let network = architecture.makeNetwork(outputs: 1000, resolutionCount: 2)
        network.arena.initialize(seed: 1, stream: 0)
        for (name, fanOut) in [("conv1.weight", 7 * 7 * 64), ("layer2.0.conv1.weight", 9 * 128), ("layer4.0.downsample.0.weight", 512)] {
            let found = moments(try parameter(network, name))
            XCTAssertEqual(found.deviation / (2 / Double(fanOut)).squareRoot(), 1, accuracy: 0.03, name)
            XCTAssertEqual(found.mean / found.deviation, 0, accuracy: 0.03, name)
        }
        XCTAssertTrue(try parameter(network, "layer1.0.bn1.1.weight").fileValues().allSatisfy { $0 == 1 })
        XCTAssertTrue(try parameter(network, "layer1.0.bn2.1.weight").fileValues().allSatisfy { $0 == 0 }, "zeroInitResidual")
        XCTAssertTrue(try parameter(network, "layer1.0.bn1.1.bias").fileValues().allSatisfy { $0 == 0 })
        let bound = 1 / 512.0.squareRoot()
        for name in ["fc.weight", "fc.bias"] {
            let found = moments(try parameter(network, name))
            XCTAssertLessThanOrEqual(found.largest, bound, name)
            XCTAssertEqual(found.deviation / (bound / 3.0.squareRoot()), 1, accuracy: 0.05, name)
        }
    }

    func testNewerInitializationMatchesTorchvision() throws {
        let mobile = try XCTUnwrap(Backbone(rawValue: "mobilenet_v3_small")).architecture().makeNetwork(outputs: 100, resolutionCount: nil)
        mobile.arena.initialize(seed: 1, stream: 0)
        XCTAssertEqual(moments(try parameter(mobile, "classifier.0.weight")).deviation / 0.01, 1, accuracy: 0.03)
        XCTAssertEqual(moments(try parameter(mobile, "classifier.3.weight")).deviation / 0.01, 1, accuracy: 0.03)
        let efficient = try XCTUnwrap(Backbone(rawValue: "efficientnet_b0")).architecture().makeNetwork(outputs: 100, resolutionCount: nil)
        efficient.arena.initialize(seed: 1, stream: 0)
        let last = moments(try parameter(efficient, "classifier.1.weight"))
        XCTAssertLessThanOrEqual(last.largest, 0.1, "1 / √100")
        XCTAssertEqual(last.deviation / (0.1 / 3.0.squareRoot()), 1, accuracy: 0.03)
        let squeeze = moments(try parameter(efficient, "features.6.1.block.2.fc2.weight"))
        XCTAssertEqual(squeeze.deviation / (2 / Double(1152)).squareRoot(), 1, accuracy: 0.03)
        XCTAssertTrue(try parameter(efficient, "features.6.1.block.2.fc2.bias").fileValues().allSatisfy { $0 == 0 })
        let mnasnet = try XCTUnwrap(Backbone(rawValue: "mnasnet1_0")).architecture().makeNetwork(outputs: 99, resolutionCount: nil)
        mnasnet.arena.initialize(seed: 1, stream: 0)
        XCTAssertEqual(moments(try parameter(mnasnet, "classifier.1.weight")).deviation / (1 / 99.0).squareRoot(), 1, accuracy: 0.03)
        let grouped = try XCTUnwrap(Backbone(rawValue: "resnext50_32x4d")).architecture().makeNetwork(outputs: 2, resolutionCount: nil)
        grouped.arena.initialize(seed: 1, stream: 0)
        // torchvision computes the fan-out of a grouped convolution over all of its channels.
        let weights = moments(try parameter(grouped, "layer2.1.conv2.weight"))
        XCTAssertEqual(weights.deviation / (2 / Double(9 * 256)).squareRoot(), 1, accuracy: 0.03)
    }

    func testMobileNetInitializationMatchesTorchvision() throws {
        let network = MobileNetV2.Architecture().makeNetwork(outputs: 100, resolutionCount: nil)
        network.arena.initialize(seed: 1, stream: 0)
        // torchvision computes the fan-out of a depthwise convolution over all of its channels.
        let depthwise = moments(try parameter(network, "features.2.conv.1.0.weight"))
        XCTAssertEqual(depthwise.deviation / (2 / Double(9 * 96)).squareRoot(), 1, accuracy: 0.1)
        XCTAssertEqual(moments(try parameter(network, "classifier.1.weight")).deviation / 0.01, 1, accuracy: 0.03)
        XCTAssertTrue(try parameter(network, "classifier.1.bias").fileValues().allSatisfy { $0 == 0 })
    }
}
