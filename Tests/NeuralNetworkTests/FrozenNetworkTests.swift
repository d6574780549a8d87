import Kernels
import TestSupport
import XCTest

@testable import NeuralNetwork

final class FrozenNetworkTests: XCTestCase {
    private func makeNetwork() -> Network {
        let network = ResNet.Architecture(depth: 18, width: 0.25)!.makeNetwork(outputs: 5, resolutionCount: 2)
        network.arena.initialize(seed: 3, stream: 0)
        // The batch norms of the resolutions differ, so the test detects a mix-up.
        for parameter in network.arena.parameters where parameter.name.hasSuffix(".1.bias") {
            for channel in 0..<parameter.count { parameter.values[channel] = 0.1 * Float(1 + channel % 3) }
        }
        return network
    }

    private func images(_ batch: Int, _ size: Int) -> Tensor {
        let shape = Shape(batch: batch, height: size, width: size, channels: 3)
        return Tensor(shape, Formula.values("x", shape.count))
    }

    /// Kernels change with the shape. Each must use its own prepared weights.
    func testFrozenPassesMatchEvaluationBitForBit() throws {
        let network = makeNetwork()
        let frozen = FrozenNetwork(network)
        for (batch, size, index) in [(3, 64, 0), (1, 32, 1), (8, 64, 0), (3, 32, 1), (1, 64, 0)] {
            let images = images(batch, size)
            let plain = try network.forward(images, Pass(.evaluation, resolutionIndex: index)).output.values
            XCTAssertEqual(try frozen.logits(images, resolutionIndex: index).values, plain, "\(batch) images at \(size)")
        }
    }

    func testAFrozenNetworkKeepsItsValues() throws {
        let network = makeNetwork()
        let (frozen, images) = (FrozenNetwork(network), images(2, 32))
        for parameter in network.arena.parameters { for index in 0..<parameter.count { parameter.values[index] *= 1.5 } }
        let changed = try network.forward(images, Pass(.evaluation)).output.values
        XCTAssertEqual(try FrozenNetwork(network).logits(images).values, changed)
        XCTAssertNotEqual(try frozen.logits(images).values, changed)
    }
}
