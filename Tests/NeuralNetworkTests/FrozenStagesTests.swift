import Kernels
import TestSupport
import XCTest

@testable import NeuralNetwork

final class FrozenStagesTests: XCTestCase {
    private func definition(_ name: String, width: Double = 0.125, frozen: Int = 0) -> NetworkDefinition {
        NetworkDefinition(
            architecture: Backbone(rawValue: name)!.architecture(BackboneOptions(width: width)), outputs: 5, resolutionCount: 2,
            frozenStages: frozen)
    }

    private func network(_ name: String, frozen: Int) -> Network {
        let network = Network(definition(name, frozen: frozen))
        network.arena.initialize(seed: 3, stream: 0)
        return network
    }

    /// The first parts of the names of the parameters.
    private func modules(_ parameters: [Parameter]) -> [String] {
        var names: [String] = []
        for parameter in parameters {
            let depth = parameter.name.hasPrefix("layer") || parameter.name.hasPrefix("features") ? 2 : 1
            let name = parameter.name.split(separator: ".").prefix(depth).joined(separator: ".")
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// As timm's groups of layers: the convolution behind MobileNetV2's last block belongs to it.
    func testPartsAreTheStemEachBlockAndTheLastLayer() {
        XCTAssertEqual(
            network("resnet18", frozen: 0).parts.map(modules),
            [["conv1", "bn1"]] + (1...4).flatMap { [["layer\($0).0"], ["layer\($0).1"]] } + [["fc"]])
        XCTAssertEqual(
            network("mobilenet_v2", frozen: 0).parts.map(modules),
            (0...16).map { ["features.\($0)"] } + [["features.17", "features.18"], ["classifier"]])
        for name in ["resnet18", "resnet50", "mobilenet_v2"] {
            let network = network(name, frozen: 0)
            XCTAssertEqual(network.parts.joined().map(\.name).sorted(), network.arena.parameters.map(\.name).sorted(), name)
        }
    }

    func testStagesAreTorchvisions() {
        func stages(_ name: String) -> [[String]] {
            (0..<definition(name).stageCount).map { index in
                let before = Set(modules(network(name, frozen: index).frozenParameters))
                return modules(network(name, frozen: index + 1).frozenParameters).filter { !before.contains($0) }
            }
        }
        XCTAssertEqual(stages("resnet18"), [["conv1", "bn1"]] + (1...4).map { ["layer\($0).0", "layer\($0).1"] })
        XCTAssertEqual(
            stages("mobilenet_v2"),
            [0...0, 1...1, 2...3, 4...6, 7...10, 11...13, 14...16, 17...17, 18...18].map { $0.map { "features.\($0)" } })
        XCTAssertEqual(definition("resnet101").stageCount, 5)
    }

    /// A frozen stage normalises with running statistics. If these are the statistics of the batch, the gradients of all other stages are
    /// those of a network without frozen stages.
    func testOtherStagesHaveTheSameGradientsAsWithoutFreezing() throws {
        for (name, stages) in [("resnet18", [1, 2, 3, 5]), ("resnet50", [1, 2]), ("mobilenet_v2", [1, 2, 3, 4, 8, 9])] {
            let free = network(name, frozen: 0)
            let shape = Shape(batch: 6, height: 64, width: 64, channels: 3)
            let images = Tensor(shape, Formula.values("frozen.images", shape.count))
            let gradient = Tensor(Shape(batch: 6, channels: 5), Formula.values("frozen.gradient", 30))
            let collector = StatisticsCollector(free.arena)
            let forward = try free.forward(images, Pass(.training, resolutionIndex: 1, statistics: collector))
            try forward.pullback?(Tensor(gradient.shape, gradient.values))
            for frozenStages in stages {
                let frozen = network(name, frozen: frozenStages)
                setStatistics(of: frozen, to: collector)
                let own = StatisticsCollector(frozen.arena)
                let result = try frozen.forward(images, Pass(.training, resolutionIndex: 1, statistics: own))
                try result.pullback?(Tensor(gradient.shape, gradient.values))
                let label = "\(name), \(frozenStages) stages"
                XCTAssertLessThan(relativeDifference(result.output.values, forward.output.values), 1e-3, label)
                let isFrozen = Set(frozen.frozenParameters.map(\.name))
                var (actual, expected): ([Float], [Float]) = ([], [])
                for (parameter, other) in zip(frozen.arena.parameters, free.arena.parameters) {
                    if isFrozen.contains(parameter.name) {
                        XCTAssertTrue(parameter.fileGradient().allSatisfy { $0 == 0 }, "\(label): \(parameter.name)")
                    } else {
                        actual += parameter.fileGradient()
                        expected += other.fileGradient()
                    }
                }
                // Rounding errors of the first stages flip single ReLUs.
                XCTAssertLessThan(relativeDifference(actual, expected), 2e-2, label)
                for copy in frozen.arena.batchNormCopies where copy.name.hasSuffix(".1") {
                    let count = own.sums[copy.offset + 2 * copy.channels]
                    XCTAssertEqual(count == 0, isFrozen.contains(copy.weight.name), "\(label): statistics of \(copy.name)")
                }
            }
        }
    }

    /// Running statistics ← mean and biased variance of what a collector saw.
    private func setStatistics(of network: Network, to collector: StatisticsCollector) {
        let own = StatisticsCollector(network.arena)
        own.replaceSums(collector.sums[...])
        own.updateRunningStatistics(momentum: 1)
        for copy in network.arena.batchNormCopies {
            let count = Float(collector.sums[copy.offset + 2 * copy.channels])
            guard count > 1 else { continue }
            for channel in 0..<copy.channels { copy.runningVariance.values[channel] *= (count - 1) / count }
        }
    }

    func testAnEmptyBatchPassesThroughFrozenStages() throws {
        for name in ["resnet18", "mobilenet_v2"] {
            let network = network(name, frozen: 3)
            let images = Tensor(Shape(batch: 0, height: 64, width: 64, channels: 3))
            let forward = try network.forward(images, Pass(.training))
            XCTAssertEqual(forward.output.shape.batch, 0)
            try forward.pullback?(Tensor(Shape(batch: 0, channels: 5)))
            XCTAssertTrue(network.arena.gradients.allSatisfy { $0 == 0 }, name)
        }
    }
}
