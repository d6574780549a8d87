import TestSupport
import XCTest

@testable import NeuralNetwork

/// Networks that end after the first blocks of a backbone.
final class FirstBlocksTests: XCTestCase {
    private func names(_ backbone: Backbone, blocks: Int?) -> [String] {
        NetworkDefinition(architecture: backbone.architecture(.init(blocks: blocks)), outputs: 3, resolutionCount: nil).tensors
            .filter { !$0.isOfLastLayer }.map(\.name)
    }

    func testTheirTensorsAreTheFirstOfTheBackbone() {
        for backbone in Backbone.allCases {
            let all = Set(names(backbone, blocks: nil))
            var last = 0
            for blocks in 1...backbone.blocks {
                let some = names(backbone, blocks: blocks)
                XCTAssertTrue(some.allSatisfy(all.contains), "\(backbone.rawValue), \(blocks) blocks")
                XCTAssertGreaterThan(some.count, last, "\(backbone.rawValue): each block adds tensors")
                last = some.count
            }
        }
    }

    func testOfAllBlocksOnlyTheLayersBehindTheBlocksAreMissing() throws {
        // The last convolution, and the hidden layer of MobileNetV3.
        let behind = [
            "mobilenet_v2": ["features.18"], "mobilenet_v3_large": ["features.16", "classifier.0"],
            "mobilenet_v3_small": ["features.12", "classifier.0"], "efficientnet_b0": ["features.8"], "efficientnet_b1": ["features.8"],
            "efficientnet_b2": ["features.8"], "mnasnet0_5": ["layers.14", "layers.15"], "mnasnet0_75": ["layers.14", "layers.15"],
            "mnasnet1_0": ["layers.14", "layers.15"], "mnasnet1_3": ["layers.14", "layers.15"],
        ]
        for backbone in Backbone.allCases {
            let missing = Set(names(backbone, blocks: nil)).subtracting(names(backbone, blocks: backbone.blocks))
            let layers = Set(missing.map { $0.split(separator: ".").prefix(2).joined(separator: ".") })
            XCTAssertEqual(layers, Set(behind[backbone.rawValue] ?? []), backbone.rawValue)
        }
    }

    /// The same layers, with the same costs, one after another.
    func testTheirLayersAreTheFirstOfTheBackbone() throws {
        let images = Shape(batch: 1, height: 64, width: 64, channels: 3)
        for backbone in Backbone.allCases {
            func layers(_ blocks: Int?) -> [String] {
                NetworkDefinition(architecture: backbone.architecture(.init(blocks: blocks)), outputs: 3, resolutionCount: nil)
                    .layerCosts(images).map { "\($0.name) \($0.multiplyAdds) \($0.output)" }
            }
            let (all, some) = (layers(nil), layers(3).dropLast())
            XCTAssertEqual(Array(all.prefix(some.count)), Array(some), backbone.rawValue)
            XCTAssertGreaterThan(some.count, 3)
        }
    }
}
