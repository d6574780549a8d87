import Foundation
import TestSupport
import XCTest

@testable import NeuralNetwork

/// Compares names, shapes and costs with torchvision's networks.
final class TorchvisionTests: XCTestCase {
    private struct Reference: Decodable {
        var multiplyAdds: [String: Int]
        var parameters: Int
        var tensors: String?

        enum CodingKeys: String, CodingKey {
            case multiplyAdds = "multiply_adds"
            case parameters
            case tensors
        }
    }

    private func references() throws -> [String: Reference] {
        let data = try Data(contentsOf: URL(fileURLWithPath: repositoryRoot + "/Tests/Fixtures/torchvision.json"))
        return try JSONDecoder().decode([String: Reference].self, from: data)
    }

    private func definition(_ name: String, resolutionCount: Int) throws -> NetworkDefinition {
        NetworkDefinition(
            architecture: try XCTUnwrap(Backbone(rawValue: name), name).architecture(), outputs: 1000, resolutionCount: resolutionCount)
    }

    func testNamesAndShapesMatchTorchvisionExceptForTheResolutionIndex() throws {
        for (name, reference) in try references() {
            guard let expected = reference.tensors else { continue }
            let network = Network(try definition(name, resolutionCount: 2))
            let tensors = network.tensors.compactMap { parameter -> String? in
                var parts = parameter.name.split(separator: ".").map(String.init)
                if network.arena.batchNormCopies.contains(where: { parameter.name.hasPrefix($0.name + ".") }) {
                    guard parts[parts.count - 2] == "1" else { return nil }
                    parts.remove(at: parts.count - 2)
                }
                return "\(parts.joined(separator: ".")) \(parameter.fileShape)"
            }
            XCTAssertEqual(tensors.sorted(), expected.split(separator: "\n").map(String.init).sorted(), name)
        }
    }

    /// Checks both networks and definitions.
    func testMultiplyAddsMatchForwardHooks() throws {
        for (name, reference) in try references() {
            let definition = try definition(name, resolutionCount: 1)
            // The memory of the largest networks would take most of the time.
            let network = reference.parameters < 30_000_000 ? Network(definition) : nil
            for (size, count) in reference.multiplyAdds {
                if let network { XCTAssertEqual(network.multiplyAdds(resolution: Int(size)!), count, "\(name) at \(size)") }
                XCTAssertEqual(definition.multiplyAdds(resolution: Int(size)!), count, "\(name) at \(size)")
            }
            if let network { XCTAssertEqual(network.arena.parameterCount, reference.parameters, name) }
            XCTAssertEqual(definition.parameterCount, reference.parameters, name)
        }
    }

    func testMultiplyAddsMatchPublishedFigures() throws {
        func giga(_ name: String, _ size: Int) throws -> Double {
            Double(try definition(name, resolutionCount: 1).multiplyAdds(resolution: size)) / 1e9
        }
        XCTAssertEqual(try giga("resnet50", 224), 4.09, accuracy: 0.005)
        XCTAssertEqual(try giga("resnet50", 168), 2.50, accuracy: 0.005)
        XCTAssertEqual(try giga("resnet50", 112), 1.08, accuracy: 0.005)
        XCTAssertEqual(try giga("resnet18", 224), 1.81, accuracy: 0.006)
        let predictor = NetworkDefinition(
            architecture: ResNet.Architecture(predictorWidths: [64, 64, 128, 256, 512]), outputs: 3, resolutionCount: nil)
        XCTAssertEqual(Double(predictor.multiplyAdds(resolution: 128)) / 1e9, 0.29, accuracy: 0.005)
        XCTAssertEqual(Double(predictor.parameterCount) / 1e6, 4.9, accuracy: 0.05)
    }

    func testEveryBatchNormIsResolutionAware() throws {
        let copies = Network(try definition("resnet50", resolutionCount: 3)).arena.batchNormCopies
        let names = Dictionary(grouping: copies.map(\.name)) { $0.split(separator: ".").dropLast().joined(separator: ".") }
        XCTAssertEqual(names.count, 53)
        for (name, copies) in names { XCTAssertEqual(copies, (0..<3).map { "\(name).\($0)" }) }
        XCTAssertNotNil(names["layer1.0.downsample.1"])
        for (name, count) in [
            ("resnext50_32x4d", 53), ("mobilenet_v3_large", 46), ("mobilenet_v3_small", 34), ("efficientnet_b0", 49), ("mnasnet1_0", 52),
        ] {
            XCTAssertEqual(Network(try definition(name, resolutionCount: 3)).arena.batchNormCopies.count, 3 * count, name)
        }
    }

    func testStagesAndPartsAreThoseOfTheNetwork() throws {
        let stages = [
            "resnext50_32x4d": [2, 3, 4, 6, 3], "mobilenet_v3_large": [1, 1, 2, 3, 4, 2, 3, 1],
            "mobilenet_v3_small": [1, 1, 2, 3, 2, 3, 1],
            "efficientnet_b1": [1, 2, 3, 3, 4, 4, 5, 2, 1], "mnasnet1_0": [3, 3, 3, 3, 2, 4, 1, 1],
        ]
        for (name, sizes) in stages {
            let backbone = try XCTUnwrap(Backbone(rawValue: name))
            let definition = try definition(name, resolutionCount: 1)
            XCTAssertEqual(definition.stageCount, sizes.count, name)
            let network = Network(definition)
            // The stem, each block, the last layer.
            XCTAssertEqual(network.parts.count, backbone.blocks + 2, name)
            XCTAssertEqual(network.parts.flatMap { $0 }.map(\.name), network.arena.parameters.map(\.name), name)
        }
    }

    /// A predictor can be made of the first blocks of any backbone.
    func testFirstBlocksOfEveryBackboneAreANetwork() throws {
        for backbone in Backbone.allCases {
            let whole = NetworkDefinition(architecture: backbone.architecture(.init(width: 0.25)), outputs: 3, resolutionCount: nil)
            let names = Set(whole.tensors.map(\.name))
            for blocks in [1, 3] {
                let definition = NetworkDefinition(
                    architecture: backbone.architecture(.init(width: 0.25, blocks: blocks)), outputs: 3, resolutionCount: nil)
                XCTAssertTrue(definition.tensors.allSatisfy { names.contains($0.name) }, backbone.rawValue)
                XCTAssertEqual(Network(definition).parts.count, blocks + 2, backbone.rawValue)
                XCTAssertGreaterThan(definition.featureCount, 0, backbone.rawValue)
            }
        }
    }

    func testRegistryContainsEveryBackboneByName() throws {
        let names = [
            "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "mobilenet_v2", "resnext50_32x4d", "resnext101_32x8d",
            "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_b0",
            "efficientnet_b1", "efficientnet_b2", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3",
        ]
        XCTAssertEqual(Backbone.allCases.map(\.rawValue), names)
        XCTAssertNil(Backbone(rawValue: "resnet19"))
        XCTAssertEqual(try Set(references().keys), Set(names), "torchvision figures must exist for every backbone")
    }
}
