import DynamicResolution
import Foundation
import NeuralNetwork
import SwiftProtobuf
import TestSupport
import XCTest

@testable import Export

/// What exported graphs compute, by the definitions of the operators, beside what the network itself computes.
final class ExportedResultsTests: XCTestCase {
    private let size = SmallNetwork.resolutions[0]

    /// Values of 0 … 255 with coarse and fine patterns, so that images get different choices.
    private func image(_ number: Int) -> [Double] {
        (0..<size * size * 3).map { index in
            let (row, column, colour) = (index / 3 / size, index / 3 % size, index % 3)
            let wave =
                sin(Double(row * (number % 5)) / 9 + Double(colour)) * cos(Double(column * (number / 2)) / (number % 3 == 0 ? 2 : 15))
            return (127.5 + 127.5 * wave).rounded()
        }
    }

    /// The logits and the index of the resolution of each image, by the network.
    private func expected(_ network: ExportedNetwork, _ images: [[Double]]) throws -> (logits: [[Float]], choices: [Int]) {
        let tensor = tensor(network, images)
        let choices = try network.model.route(tensor, costWeight: network.costWeight)
        let logits = try choices.enumerated().map { index, choice in
            try network.model.classify(tensor.gathering([index]), resolutionIndex: choice).values
        }
        return (logits, choices)
    }

    private func tensor(_ network: ExportedNetwork, _ images: [[Double]]) -> Tensor {
        let (factors, shifts) = network.normalization
        let values = images.flatMap { image in image.enumerated().map { Float($1) * factors[$0 % 3] + shifts[$0 % 3] } }
        return Tensor(Shape(batch: images.count, height: size, width: size, channels: 3), values)
    }

    private func run(_ graph: ONNXGraph, _ images: [[Double]]) throws -> [String: GraphValue] {
        // As a file has it.
        let read = try ONNXGraph(serializedBytes: try graph.serializedData() as Data)
        return try GraphInterpreter.outputs(
            of: read, ["image": GraphValue([images.count, size, size, 3], images.flatMap { $0 })])
    }

    private func check(_ logits: [Double], _ expected: [Float], _ label: String, line: UInt = #line) {
        XCTAssertEqual(logits.count, expected.count, label, line: line)
        for (actual, wanted) in zip(logits, expected) { XCTAssertEqual(actual, Double(wanted), accuracy: 1e-4, label, line: line) }
    }

    func testTheWholeNetworkHasTheLogitsAndTheChoicesOfTheNetwork() throws {
        let images = (0..<7).map(image)
        let kinds = SmallNetwork.Kind.allCases.map { ($0, DecisionOutputs.policy) } + [(.predictor, .losses)]
        for (kind, meaning) in kinds {
            let network = try tuned(SmallNetwork.make(kind, outputs: meaning), images)
            let (logits, choices) = try expected(network, images)
            if kind != .fixed { XCTAssertGreaterThan(Set(choices).count, 1, "\(kind): images of one choice prove little") }
            let single = try ONNXNetwork(network, batch: .fixed(1)).whole()
            for (index, image) in images.enumerated() {
                let outputs = try run(single, [image])
                let label = "\(kind), image \(index)"
                XCTAssertEqual(outputs["resolution"]?.integers, [SmallNetwork.resolutions[choices[index]]], label)
                check(try XCTUnwrap(outputs["logits"]).numbers, logits[index], label)
            }
            for batch in [BatchSize.any, .fixed(images.count)] {
                let outputs = try run(try ONNXNetwork(network, batch: batch).whole(), images)
                XCTAssertEqual(outputs["resolution"]?.integers, choices.map { SmallNetwork.resolutions[$0] }, "\(kind), \(batch)")
                check(try XCTUnwrap(outputs["logits"]).numbers, logits.flatMap { $0 }, "\(kind), \(batch)")
            }
        }
    }

    func testThePartsHaveTheLogitsAndTheChoicesOfTheNetwork() throws {
        let images = (0..<4).map(image)
        for kind in SmallNetwork.Kind.allCases {
            let network = try tuned(SmallNetwork.make(kind), images)
            let (logits, choices) = try expected(network, images)
            let parts = try ONNXNetwork(network, batch: .fixed(1))
            for (index, image) in images.enumerated() {
                let label = "\(kind), image \(index)"
                let decision = try parts.decider().map { try run($0, [image]) }
                if let decision { XCTAssertEqual(decision["choice"]?.integers, [choices[index]], label) }
                // The pass of a cascade's decision is the classification at the smallest resolution.
                if let kept = decision?["logits"], choices[index] == SmallNetwork.resolutions.count - 1 {
                    check(kept.numbers, logits[index], label)
                } else {
                    check(try XCTUnwrap(try run(parts.classifier(choices[index]), [image])["logits"]).numbers, logits[index], label)
                }
            }
        }
    }

    /// Groups, gates and their activations.
    func testOtherBackbonesHaveTheLogitsOfTheNetwork() throws {
        let images = [image(3)]
        for name in ["mobilenet_v3_small", "efficientnet_b0", "resnext50_32x4d", "mobilenet_v2", "mnasnet1_0"] {
            let backbone = try XCTUnwrap(Backbone.allCases.first { $0.rawValue == name })
            let network = SmallNetwork.make(.fixed, architecture: backbone.architecture(BackboneOptions(width: 0.25)))
            let (logits, _) = try expected(network, images)
            let outputs = try run(try ONNXNetwork(network, batch: .fixed(1)).whole(), images)
            check(try XCTUnwrap(outputs["logits"]).numbers, logits[0], name)
        }
    }

    /// The network with a λ at which the images have the most choices.
    private func tuned(_ network: ExportedNetwork, _ images: [[Double]]) throws -> ExportedNetwork {
        guard let decision = try network.model.decide(tensor(network, images)) else { return network }
        let weights = stride(from: -2, through: 2, by: 0.001)
        let counts = weights.map { Set(network.model.choices(decision, costWeight: $0)).count }
        // In the middle of the range, so that rounding changes no choice.
        let best = zip(weights, counts).filter { $0.1 == counts.max() }.map(\.0)
        return ExportedNetwork(
            model: network.model, costWeight: best[best.count / 2], metadata: network.metadata, description: network.description)
    }
}
