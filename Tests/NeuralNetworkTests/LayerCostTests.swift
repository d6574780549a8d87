import Foundation
import TestSupport
import XCTest

@testable import NeuralNetwork

final class LayerCostTests: XCTestCase {
    func testDefinitionAndNetworkHaveTheSameTensorNamesAndShapes() throws {
        for backbone in Backbone.allCases {
            let definition = NetworkDefinition(
                architecture: backbone.architecture(BackboneOptions(width: 0.125)), outputs: 3, resolutionCount: 2)
            let network = Network(definition)
            XCTAssertEqual(definition.tensors.map(\.name), network.tensors.map(\.name), backbone.rawValue)
            XCTAssertEqual(definition.tensors.map(\.fileShape), network.tensors.map(\.fileShape), backbone.rawValue)
        }
    }

    func testEveryBackboneHasTheCommonStride() throws {
        for backbone in Backbone.allCases {
            let definition = NetworkDefinition(architecture: backbone.architecture(), outputs: 3, resolutionCount: 1)
            let costs = definition.layerCosts(Shape(batch: 1, height: 224, width: 224, channels: 3))
            // Layers after the mean have one pixel.
            let last = try XCTUnwrap(costs.last { $0.output.height > 1 }).output
            XCTAssertEqual([last.height, last.width], [224 / Backbone.stride, 224 / Backbone.stride], backbone.rawValue)
        }
    }

    #if os(Linux)
        /// A ResNet-152 has 60 million parameters; values and gradients take 480 MB.
        func testCountingAllocatesNoParameters() throws {
            let definition = NetworkDefinition(
                architecture: try XCTUnwrap(Backbone(rawValue: "resnet152")).architecture(), outputs: 1000, resolutionCount: 3)
            func growth(_ body: () -> Void) throws -> Int {
                try resetPeakMemory()
                let before = try peakMemory()
                body()
                return try peakMemory() - before
            }
            let counting = try growth {
                XCTAssertGreaterThan(definition.multiplyAdds(resolution: 224), 11_000_000_000)
                XCTAssertGreaterThan(definition.parameterCount, 60_000_000)
            }
            XCTAssertLessThan(counting, 32 << 20, "bytes")
            let building = try growth { XCTAssertEqual(Network(definition).arena.parameterCount, definition.parameterCount) }
            XCTAssertGreaterThan(building, 400 << 20, "the measurement must detect a network's memory")
        }

        /// Returns the peak resident memory of this process since the last reset, in bytes.
        private func peakMemory() throws -> Int {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = try XCTUnwrap(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
            return try XCTUnwrap(Int(line.split(separator: " ").dropFirst().first ?? "")) * 1024
        }

        private func resetPeakMemory() throws {
            try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
        }
    #endif
}
