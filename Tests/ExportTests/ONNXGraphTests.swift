import Foundation
import Kernels
import NeuralNetwork
import SwiftProtobuf
import XCTest

@testable import Export

/// The structure of the exported graphs, read back from the bytes of the file.
final class ONNXGraphTests: XCTestCase {
    private static let batches = [BatchSize.fixed(1), .fixed(4), .any]

    /// All graphs that a network is exported as, read back.
    private func models(_ network: ExportedNetwork, _ batch: BatchSize) throws -> [(name: String, model: ONNXModel)] {
        let builder = try ONNXNetwork(network, batch: batch)
        let graphs = [builder.whole(), builder.decider()].compactMap { $0 } + network.candidates.map { builder.classifier($0) }
        return try graphs.map { graph in
            (graph.name, try ONNXModel(serializedBytes: try ONNXFile.data(graph, network.metadata, path: "test.onnx")))
        }
    }

    func testEveryNameIsDefinedOnceAndBeforeItsUse() throws {
        for kind in SmallNetwork.Kind.allCases {
            for batch in Self.batches {
                for (name, model) in try models(SmallNetwork.make(kind), batch) {
                    var checker = GraphChecker()
                    checker.check(model.graph, outer: [])
                    XCTAssertEqual(checker.problems, [], "\(name) of \(kind), \(batch)")
                    XCTAssertGreaterThan(checker.nodes, 20, "\(name) of \(kind)")
                }
            }
        }
    }

    func testTheCheckerFindsProblems() throws {
        func problems(_ change: (inout ONNXGraph) -> Void) throws -> [String] {
            var graph = try ONNXNetwork(SmallNetwork.make(.threshold), batch: .fixed(1)).whole()
            change(&graph)
            var checker = GraphChecker()
            checker.check(graph, outer: [])
            return checker.problems
        }
        XCTAssertEqual(try problems { _ in }, [])
        XCTAssertNotEqual(try problems { $0.node.swapAt(0, 1) }, [], "a use before the definition")
        XCTAssertNotEqual(try problems { $0.node.append($0.node[0]) }, [], "a second definition")
        XCTAssertNotEqual(try problems { $0.initializer[0].dims.append(2) }, [], "the size of a constant")
        XCTAssertNotEqual(try problems { $0.node[0].opType = "Magic" }, [], "an unknown operator")
        XCTAssertNotEqual(try problems { $0.output[0].name = "none" }, [], "an output that nothing writes")
    }

    func testInputsAndOutputsHaveTheirTypes() throws {
        func text(_ values: [ONNXValueInfo]) -> [String] {
            values.map { value in
                let axes = value.type.tensorType.shape.dim.map { $0.dimParam.isEmpty ? "\($0.dimValue)" : $0.dimParam }
                return "\(value.name) \(value.type.tensorType.elemType) [\(axes.joined(separator: ", "))]"
            }
        }
        for (batch, axis) in zip(Self.batches, ["1", "4", "N"]) {
            for kind in SmallNetwork.Kind.allCases {
                let network = SmallNetwork.make(kind)
                for (name, model) in try models(network, batch) {
                    XCTAssertEqual(text(model.graph.input), ["image float [\(axis), 64, 64, 3]"], name)
                    let logits = "logits float [\(axis), 3]"
                    let outputs: [String]
                    switch name {
                    case "drnet": outputs = [logits, "resolution int64 [\(axis)]"]
                    case "decider": outputs = ["choice int64 [\(axis)]"] + (kind == .predictor ? [] : [logits])
                    default: outputs = [logits]
                    }
                    XCTAssertEqual(text(model.graph.output), outputs, "\(name) of \(kind)")
                    XCTAssertEqual(model.opsetImport.map { "\($0.domain)\($0.version)" }, ["17"])
                    XCTAssertEqual(model.irVersion, 8)
                }
            }
        }
    }

    func testOneImageHasAnIfForEachChoiceAndOtherBatchesHaveOneForEachSubBatch() throws {
        func branches(_ graph: ONNXGraph) -> [ONNXGraph] {
            graph.node.flatMap(\.attribute).filter(\.hasG).map(\.g)
        }
        func convolutions(_ graph: ONNXGraph) -> Int { graph.node.count { $0.opType == "Conv" } }
        let expected: [(SmallNetwork.Kind, ifs: Int, subBatches: Int)] = [
            (.fixed, 0, 0), (.predictor, 2, 3), (.threshold, 1, 1), (.learned, 2, 2),
        ]
        for (kind, ifs, subBatches) in expected {
            let network = SmallNetwork.make(kind)
            var graph = try ONNXNetwork(network, batch: .any).whole()
            XCTAssertEqual(graph.node.count { $0.opType == "If" }, subBatches, "\(kind)")
            graph = try ONNXNetwork(network, batch: .fixed(1)).whole()
            var depth = 0
            while let node = graph.node.first(where: { $0.opType == "If" }) {
                depth += 1
                let (yes, no) = (node.attribute[0].g, node.attribute[1].g)
                XCTAssertEqual([node.attribute[0].name, node.attribute[1].name], ["then_branch", "else_branch"])
                XCTAssertGreaterThan(convolutions(yes), 8, "the classifier runs in the branch: \(kind)")
                XCTAssertEqual(branches(yes).count, 0)
                graph = no
            }
            XCTAssertEqual(depth, ifs, "\(kind)")
        }
    }

    func testResolutionsShareTheirWeights() throws {
        let network = SmallNetwork.make(.predictor)
        /// Elements of the kernels of convolutions in a graph and its branches.
        func kernels(_ graph: ONNXGraph) -> Int {
            let own = graph.initializer.filter { $0.dims.count == 4 && $0.dims[0] > 1 }
            let branches = graph.node.flatMap(\.attribute).filter(\.hasG).map { kernels($0.g) }
            return (own.map { $0.rawData.count / MemoryLayout<Float>.stride } + branches).reduce(0, +)
        }
        let exporter = try ONNXNetwork(network, batch: .fixed(1))
        let decider = kernels(try XCTUnwrap(exporter.decider()))
        XCTAssertGreaterThan(kernels(exporter.classifier(0)), 1000)
        XCTAssertEqual(kernels(exporter.whole()), decider + kernels(exporter.classifier(0)), "three resolutions, one copy of the weights")
        let names = exporter.whole().initializer.map(\.name)
        XCTAssertTrue(names.contains("shared/layer1.0.conv1.weight") && names.contains("shared/fc.weight"), "\(names)")
    }

    /// Values of constants are found under the names of their layers.
    func testPartsHaveFoldedBatchNorms() throws {
        let network = SmallNetwork.make(.threshold)
        let graph = try network.model.classifier.graph()
        guard case .convolution(let convolution) = graph.operations[0].kind else { return XCTFail("the stem is a convolution") }
        for index in SmallNetwork.resolutions.indices {
            let part = try ONNXNetwork(network, batch: .fixed(1)).classifier(index)
            let prefix = "classifier\(SmallNetwork.resolutions[index])/conv1"
            let (scale, shift) = convolution.norm.factors(resolutionIndex: index)
            XCTAssertEqual(try values("\(prefix).bias", part), shift)
            let weights = convolution.weight.fileValues()
            let folded = weights.indices.map { weights[$0] * scale[$0 / (3 * 7 * 7)] }
            XCTAssertEqual(try values("\(prefix).weight", part), folded)
        }
        let copies = try SmallNetwork.resolutions.indices.map {
            try values("classifier\(SmallNetwork.resolutions[$0])/conv1.bias", ONNXNetwork(network, batch: .any).classifier($0))
        }
        XCTAssertEqual(Set(copies).count, 3, "each resolution has its own")
    }

    /// The products of the parts of the rows are the product with the whole matrix.
    func testResizingMatricesAreComplete() throws {
        for views in [nil, [1, 0.8, 0.75]] as [[Double]?] {
            let network = SmallNetwork.make(.threshold, views: views)
            for index in 1...2 {
                let size = SmallNetwork.resolutions[index]
                let matrix = try XCTUnwrap(network.model.resizeMatrix(toResolution: index))
                let graph = try ONNXNetwork(network, batch: .fixed(1)).classifier(index)
                var found: [Float] = []
                for part in 0..<4 {
                    let name = "images\(size).rows\(part)"
                    let (start, weights) = (try integer("\(name).start", graph), try values("\(name).weights", graph))
                    let length = try integer("\(name).end", graph) - start
                    for row in 0..<weights.count / length {
                        found += [Float](repeating: 0, count: start) + weights[row * length..<(row + 1) * length]
                        found += [Float](repeating: 0, count: 64 - start - length)
                    }
                }
                XCTAssertEqual(found, matrix)
                let columns = try values("images\(size).columns", graph)
                XCTAssertEqual((0..<matrix.count).map { columns[$0 % 64 * size + $0 / 64] }, matrix)
            }
        }
    }

    func testTheMetadataTravelsAlong() throws {
        let network = SmallNetwork.make(.threshold)
        let model = try XCTUnwrap(models(network, .fixed(1)).first).model
        let properties = Dictionary(uniqueKeysWithValues: model.metadataProps.map { ($0.key, $0.value) })
        XCTAssertEqual(properties["drnet.classes"], "[\"a\",\"b\",\"c\"]")
        XCTAssertEqual(properties["drnet.resolutions"], "[64,48,32]")
        XCTAssertEqual(properties["drnet.chooser"], "thresholdCascade")
        XCTAssertEqual(properties["drnet.costWeight"], "0.25")
        XCTAssertTrue(properties["drnet.preprocessing"]?.contains("\"mean\":[0.485,0.456,0.406]") ?? false, "\(properties)")
        XCTAssertTrue(properties["drnet.provenance"]?.contains("\"checkpointStep\":7") ?? false, "\(properties)")
        XCTAssertNotNil(properties["drnet.costs"])
        XCTAssertNotNil(properties["drnet.expected"])
        XCTAssertNil(properties["drnet.resolution"])
        XCTAssertEqual(model.producerVersion, "drnet 1.2.3")
    }

    func testAFileAboveTheLimitIsRefused() throws {
        let network = SmallNetwork.make(.fixed)
        let graph = try ONNXNetwork(network, batch: .fixed(1)).whole()
        XCTAssertThrowsError(try ONNXFile.data(graph, network.metadata, path: "big.onnx", limit: 10_000)) {
            XCTAssertTrue("\($0)".contains("big.onnx") && "\($0)".contains("onnx-parts"), "\($0)")
        }
    }

    // MARK: - Constants

    private func constant(_ name: String, _ graph: ONNXGraph) throws -> ONNXTensor {
        try XCTUnwrap(graph.initializer.first { $0.name == name }, "\(name) is not among \(graph.initializer.map(\.name))")
    }

    private func values(_ name: String, _ graph: ONNXGraph) throws -> [Float] {
        try constant(name, graph).rawData.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
    }

    private func integer(_ name: String, _ graph: ONNXGraph) throws -> Int {
        try constant(name, graph).rawData.withUnsafeBytes { Int($0.loadUnaligned(as: Int64.self)) }
    }
}
