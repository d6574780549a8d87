import Interchange
import NeuralNetwork
import TestSupport
import XCTest

@testable import Inference

/// Names that other libraries give to the layers of this project's networks.
final class ForeignNamesTests: XCTestCase {
    private func timm() throws -> [String: String] {
        let data = try Data(contentsOf: URL(fileURLWithPath: repositoryRoot + "/Tests/Fixtures/timm.json"))
        return try JSONDecoder().decode([String: String].self, from: data)
    }

    /// Extents of 1 do not matter: timm's last layers are 1×1 convolutions in some networks.
    func testTimmNamesAndShapesAreThoseOfTimm() throws {
        for (name, expected) in try timm() {
            let architecture = try XCTUnwrap(Backbone(rawValue: name)).architecture()
            let definition = NetworkDefinition(architecture: architecture, outputs: 1000, resolutionCount: 2)
            let needed = NetworkTensors(definition, naming: .timm)
            let found = needed.tensors.filter { $0.copy ?? 0 == 0 }.map { tensor in
                "\(tensor.plainName) \(tensor.parameter.fileShape.filter { $0 != 1 })"
            }
            let lines = expected.split(separator: "\n").map { line -> String in
                let parts = line.split(separator: " ", maxSplits: 1)
                let shape = parts[1].dropFirst().dropLast().split(separator: ", ").compactMap { Int($0) }.filter { $0 != 1 }
                return "\(parts[0]) \(shape)"
            }
            XCTAssertEqual(found.sorted(), lines.sorted(), name)
        }
        XCTAssertEqual(try timm().count, 5)
    }

    /// Every backbone with names of its own in timm loads a file with these names, with any prefix.
    func testFilesWithTimmNamesAreLoaded() throws {
        for name in ["mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_b1"] {
            // At 1/8, a block of the large MobileNetV3 expands nothing, so that its layers have other names than at width 1.
            let width = name == "mobilenet_v3_large" ? 0.25 : 0.125
            let source = SmallNetworks.backbone(name, width: width, resolutionCount: nil)
            let names = NetworkTensors(source, naming: .timm)
            let tensors = zip(names.tensors, NetworkFile.tensors(of: source)).map { tensor, values in
                NamedTensor(name: "module." + tensor.plainName, shape: values.shape, values: values.values)
            }
            try withTemporaryFolder { folder in
                let path = folder + "/w.safetensors"
                try SafetensorsFile.write(tensors, to: path)
                let target = SmallNetworks.backbone(name, width: width, resolutionCount: 2, seed: 2)
                let result = try NetworkFile.loadPretrained(path, into: target)
                XCTAssertTrue(result.hasLastLayer, name)
                XCTAssertEqual(
                    result.notes, ["\(path): the prefix 'module.' of its names is left out", "\(path): its layers have timm's names"])
                for (tensor, values) in zip(NetworkTensors(target, naming: .timm).tensors.filter { $0.copy ?? 1 == 1 }, tensors) {
                    XCTAssertEqual(tensor.parameter.fileValues(), values.values, tensor.parameter.name)
                }
                // What does not fit is told with timm's names, and a hint names the network.
                let other = SmallNetworks.backbone(name, width: 1)
                XCTAssertThrowsError(try NetworkFile.loadPretrained(path, into: other)) {
                    XCTAssertTrue("\($0)".contains("It fits classifier.architecture \(name), classifier.width \(width)"), "\($0)")
                    XCTAssertTrue("\($0)".contains("of another shape (") && "\($0)".contains("conv_stem.weight"), "\($0)")
                }
                try SafetensorsFile.write(tensors.filter { !$0.name.contains("blocks.1.0.bn1.bias") }, to: path)
                XCTAssertThrowsError(try NetworkFile.loadPretrained(path, into: SmallNetworks.backbone(name, width: width))) {
                    XCTAssertTrue("\($0)".contains("missing (1): blocks.1.0.bn1.bias"), "\($0)")
                }
            }
        }
    }

    /// torchvision's MobileNetV3 has another ε than timm's.
    func testAnotherEpsilonIsReported() throws {
        let backbone = try XCTUnwrap(Backbone(rawValue: "mobilenet_v3_small"))
        XCTAssertEqual(backbone.batchNormEpsilon, 1e-3)
        XCTAssertEqual(Backbone(rawValue: "efficientnet_b0")?.batchNormEpsilon, 1e-5)
        let network = backbone.architecture(.init(width: 0.125)).makeNetwork(outputs: 3, resolutionCount: nil, batchNormEpsilon: 1e-3)
        network.arena.initialize(seed: 1, stream: 0)
        let tensors = zip(NetworkTensors(network, naming: .timm).tensors, NetworkFile.tensors(of: network)).map {
            NamedTensor(name: $0.plainName, shape: $1.shape, values: $1.values)
        }
        try withTemporaryFolder { folder in
            try SafetensorsFile.write(tensors, to: folder + "/w.safetensors")
            let notes = try NetworkFile.loadPretrained(folder + "/w.safetensors", into: network).notes
            XCTAssertTrue(notes.last?.contains("set batchNorm.epsilon to 1e-5") ?? false, "\(notes)")
        }
    }
}
