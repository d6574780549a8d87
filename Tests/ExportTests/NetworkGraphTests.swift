import DynamicResolution
import Foundation
import Interchange
import Kernels
import NeuralNetwork
import XCTest

@testable import Export

/// The operations of networks, and their description for PyTorch.
final class NetworkGraphTests: XCTestCase {
    func testEveryBackboneCanBeExported() throws {
        for backbone in Backbone.allCases {
            // Wide enough for the rules of every family.
            for blocks in [nil, 1] as [Int?] {
                let architecture = backbone.architecture(BackboneOptions(width: 0.25, blocks: blocks))
                let network = architecture.makeNetwork(outputs: 3, resolutionCount: 2)
                let graph = try FrozenNetwork(network).graph()
                XCTAssertEqual(
                    parameterNames(graph).sorted(), network.tensors.map(\.name).sorted(), "\(backbone.rawValue) uses each parameter once")
                let costs = network.layerCosts(Shape(batch: 1, height: 64, width: 64, channels: 3))
                let names = graph.operations.filter(\.hasParameters).map(\.name)
                XCTAssertEqual(Set(names), Set(costs.map(\.name)), backbone.rawValue)
                for (index, operation) in graph.operations.enumerated() {
                    for case .operation(let input) in operation.inputs { XCTAssertLessThan(input, index, "\(backbone.rawValue)") }
                }
            }
        }
    }

    func testGroupsAndGatesAreThoseOfTheBackbone() throws {
        func operations(_ name: String) throws -> [NetworkOperation] {
            let architecture = try XCTUnwrap(Backbone(rawValue: name)).architecture(BackboneOptions(width: 0.25))
            return try FrozenNetwork(architecture.makeNetwork(outputs: 3, resolutionCount: 2)).graph().operations
        }
        func groups(_ operations: [NetworkOperation]) -> [Int] {
            operations.compactMap { if case .convolution(let convolution) = $0.kind { convolution.groups } else { nil } }
        }
        XCTAssertEqual(Set(groups(try operations("resnext50_32x4d"))), [1, 32])
        XCTAssertEqual(Set(groups(try operations("resnet50"))), [1])
        for (name, gate) in [("mobilenet_v3_small", GateFunction.hardLogistic), ("efficientnet_b0", .logistic)] {
            let gates = try operations(name).compactMap { if case .gates(let gate) = $0.kind { gate } else { nil } }
            XCTAssertFalse(gates.isEmpty, name)
            XCTAssertTrue(gates.allSatisfy { $0 == gate }, name)
        }
    }

    private func parameterNames(_ graph: NetworkGraph) -> [String] {
        graph.operations.flatMap { operation -> [String] in
            switch operation.kind {
            case .convolution(let convolution):
                return [convolution.weight.name]
                    + convolution.norm.copies.flatMap { [$0.weight.name, $0.bias.name, $0.runningMean.name, $0.runningVariance.name] }
            case .linear(let weight, let bias): return [weight.name, bias.name]
            default: return []
            }
        }
    }

    func testALayerThatDoesNotRecordItselfIsNamed() throws {
        let definition = NetworkDefinition(architecture: Unrecorded(), outputs: 2, resolutionCount: nil)
        XCTAssertThrowsError(try FrozenNetwork(Network(definition)).graph()) {
            XCTAssertTrue("\($0)".contains("SilentLayers, which cannot be exported"), "\($0)")
        }
    }

    func testTheWeightsForPyTorchHaveTorchvisionsNames() throws {
        for kind in SmallNetwork.Kind.allCases {
            let network = SmallNetwork.make(kind)
            let (description, tensors) = try network.pyTorch()
            let names = Set(tensors.map(\.name))
            XCTAssertEqual(names.count, tensors.count)
            XCTAssertTrue(names.isSuperset(of: ["classifier.conv1.weight", "classifier.layer1.0.bn1.2.running_var", "classifier.fc.bias"]))
            XCTAssertEqual(names.contains("decider.fc.weight"), kind == .predictor || kind == .learned, "\(kind)")
            XCTAssertEqual(names.contains("resize.decider"), kind == .predictor, "\(kind)")
            XCTAssertEqual(tensors.first { $0.name == "resize.1" }?.shape, [48, 64])
            XCTAssertEqual(description.decider?.kind, [.predictor: "network", .threshold: "threshold", .learned: "learned"][kind])
            XCTAssertEqual(description.fixedIndex, kind == .fixed ? 1 : 0)
            for operation in description.classifier.operations where operation.kind == "convolution" {
                XCTAssertEqual(operation.copies, 3)
                XCTAssertTrue(names.contains("classifier.\(operation.name ?? "").weight"), "\(operation)")
                XCTAssertTrue(names.contains("classifier.\(operation.norm ?? "").0.weight"), "\(operation)")
            }
            let data = try JSON.encode(description, .indented)
            XCTAssertEqual(try JSON.decode(PyTorchDescription.self, from: data, source: ""), description)
        }
    }

    /// docs/examples/python/drnet_torch.py computes with these numbers.
    func testTheDescriptionForPyTorchHasTheNumbersOfTheNetwork() throws {
        for (outputs, sign) in [(DecisionOutputs.policy, 1), (.losses, -1)] {
            let network = SmallNetwork.make(.predictor, outputs: outputs)
            let (description, _) = try network.pyTorch()
            let decider = try XCTUnwrap(description.decider)
            XCTAssertEqual(decider.sign, sign)
            XCTAssertEqual(decider.penalties, network.penalties)
            XCTAssertEqual(decider.costWeight, 0.25)
            let graph = try network.model.classifier.graph()
            for (operation, described) in zip(graph.operations, description.classifier.operations) {
                guard case .convolution(let convolution) = operation.kind else { continue }
                XCTAssertEqual(described.epsilon, convolution.norm.epsilon)
                XCTAssertEqual(
                    [described.stride, described.padding, described.groups], [convolution.stride, convolution.padding, convolution.groups])
            }
        }
    }

    func testTheManifestNamesAFileForEachChoice() throws {
        let folder = NSTemporaryDirectory() + "drnet-parts-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let expected: [SmallNetwork.Kind: [Int]] = [.fixed: [48], .predictor: [64, 48, 32], .threshold: [64], .learned: [64, 48]]
        for (kind, resolutions) in expected {
            let files = try SmallNetwork.make(kind).write(.onnxParts, batch: .fixed(1), to: folder)
            let manifest = try JSON.read(PartsManifest.self, from: folder + "/manifest.json")
            XCTAssertEqual(manifest.decider?.file, kind == .fixed ? nil : "decider.onnx")
            XCTAssertEqual(manifest.decider?.answersSmallest ?? false, kind == .threshold || kind == .learned)
            XCTAssertEqual(manifest.classifiers.map(\.resolution), SmallNetwork.resolutions)
            XCTAssertEqual(manifest.classifiers.filter { $0.file != nil }.map(\.resolution), resolutions, "\(kind)")
            XCTAssertEqual(manifest.metadata, SmallNetwork.metadata(kind))
            XCTAssertEqual(files.count, resolutions.count + (kind == .fixed ? 1 : 2))
            for file in files { XCTAssertTrue(FileManager.default.fileExists(atPath: file), file) }
        }
    }
}

extension NetworkOperation {
    fileprivate var hasParameters: Bool {
        switch kind {
        case .convolution, .linear: return true
        default: return false
        }
    }
}

/// A network whose layers have no operations.
private struct Unrecorded: NetworkArchitecture {
    func makeLayers(_ builder: LayerBuilder) -> any NetworkLayers { SilentLayers() }

    private final class SilentLayers: NetworkLayers {
        func forward(_ images: Tensor, _ pass: Pass) throws -> NetworkForward { NetworkForward(images, nil) }
        func layerCosts(_ input: Shape) -> [LayerCost] { [] }
    }
}
