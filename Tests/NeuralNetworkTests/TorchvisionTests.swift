import Foundation
import TestSupport
import XCTest
@testable import NeuralNetwork

/// Names, shapes and costs against torchvision's own networks.
final class TorchvisionTests: XCTestCase {
    private struct Reference: Decodable {
        var multiply_adds: [String: Int]
        var parameters: Int
        var tensors: String?
    }

    private func references() throws -> [String: Reference] {
        let data = try Data(contentsOf: URL(fileURLWithPath: repositoryRoot + "/Tests/Fixtures/torchvision.json"))
        return try JSONDecoder().decode([String: Reference].self, from: data)
    }

    private func network(_ architecture: ClassifierArchitecture, resolutionCount: Int) -> Network {
        architecture.makeNetwork(
            width: 1, outputs: 1000, resolutionCount: resolutionCount, batchNorm: BatchNormOptions(), zeroInitResidual: false)
    }

    func testNamesAndShapesAreTorchvisionsButForTheIndexOfTheResolution() throws {
        for (name, reference) in try references() {
            guard let expected = reference.tensors else { continue }
            let network = network(try XCTUnwrap(ClassifierArchitecture(rawValue: name)), resolutionCount: 2)
            let tensors = (network.arena.parameters + network.arena.statistics).compactMap { parameter -> String? in
                var parts = parameter.name.split(separator: ".").map(String.init)
                let isNorm =
                    parameter.name.hasSuffix("running_mean") || parameter.name.hasSuffix("running_var")
                    || network.batchNorms.contains { parameter.name.hasPrefix($0.name + ".") }
                if isNorm {
                    guard parts[parts.count - 2] == "1" else { return nil }
                    parts.remove(at: parts.count - 2)
                }
                return "\(parts.joined(separator: ".")) \(parameter.fileShape)"
            }
            XCTAssertEqual(tensors.sorted(), expected.split(separator: "\n").map(String.init).sorted(), name)
        }
    }

    func testMultiplyAddsAreCountedAsByForwardHooks() throws {
        for (name, reference) in try references() {
            let network = network(try XCTUnwrap(ClassifierArchitecture(rawValue: name)), resolutionCount: 1)
            for (size, count) in reference.multiply_adds {
                XCTAssertEqual(network.multiplyAdds(resolution: Int(size)!), count, "\(name) at \(size)")
            }
            XCTAssertEqual(network.arena.parameterCount, reference.parameters, name)
        }
    }

    func testPublishedFigures() {
        func giga(_ architecture: ClassifierArchitecture, _ size: Int) -> Double {
            Double(network(architecture, resolutionCount: 1).multiplyAdds(resolution: size)) / 1e9
        }
        XCTAssertEqual(giga(.resnet50, 224), 4.09, accuracy: 0.005)
        XCTAssertEqual(giga(.resnet50, 168), 2.50, accuracy: 0.005)
        XCTAssertEqual(giga(.resnet50, 112), 1.08, accuracy: 0.005)
        XCTAssertEqual(giga(.resnet18, 224), 1.81, accuracy: 0.006)
        let predictor = ResNet(
            ResNet.Architecture(predictorWidths: [64, 64, 128, 256, 512]), outputs: 3, resolutionCount: nil)
        XCTAssertEqual(Double(predictor.multiplyAdds(resolution: 128)) / 1e9, 0.29, accuracy: 0.005)
        XCTAssertEqual(Double(predictor.arena.parameterCount) / 1e6, 4.9, accuracy: 0.05)
    }

    func testEveryBatchNormIsResolutionAware() {
        let network = network(.resnet50, resolutionCount: 3)
        XCTAssertEqual(network.batchNorms.count, 53)
        for norm in network.batchNorms { XCTAssertEqual(norm.resolutionCount, 3, norm.name) }
        XCTAssertTrue(network.batchNorms.contains { $0.name == "layer1.0.downsample.1" })
    }
}
