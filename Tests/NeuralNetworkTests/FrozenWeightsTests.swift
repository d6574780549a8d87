import Kernels
import TestSupport
import XCTest

@testable import NeuralNetwork

final class FrozenWeightsTests: XCTestCase {
    private func makeNetwork() -> Network {
        let network = ResNet.Architecture(depth: 18, width: 0.25)!.makeNetwork(outputs: 5, resolutionCount: 2)
        network.arena.initialize(seed: 3, stream: 0)
        // The resolutions' batch norms differ, so that one in place of another is seen.
        for parameter in network.arena.parameters where parameter.name.hasSuffix(".1.bias") {
            for channel in 0..<parameter.count { parameter.values[channel] = 0.1 * Float(1 + channel % 3) }
        }
        return network
    }

    private func images(_ batch: Int, _ size: Int) -> Tensor {
        let shape = Shape(batch: batch, height: size, width: size, channels: 3)
        return Tensor(shape, Formula.values("x", shape.count))
    }

    /// Kernels change with the shape: each finds its own weights.
    func testPassesThatShareWeightsGiveTheSameBits() throws {
        let network = makeNetwork()
        let frozen = FrozenWeights()
        for (batch, size, index) in [(3, 64, 0), (1, 32, 1), (8, 64, 0), (3, 32, 1), (1, 64, 0)] {
            let images = images(batch, size)
            let plain = try network.forward(images, Pass(.evaluation, resolutionIndex: index)).output.values
            let shared = try network.forward(images, Pass(.evaluation, resolutionIndex: index, frozenWeights: frozen)).output.values
            XCTAssertEqual(plain, shared, "\(batch) images at \(size)")
        }
    }

    func testWeightsThatChangedNeedNewOnes() throws {
        let network = makeNetwork()
        let (frozen, images) = (FrozenWeights(), images(2, 32))
        let before = try network.forward(images, Pass(.evaluation, frozenWeights: frozen)).output.values
        for parameter in network.arena.parameters { for index in 0..<parameter.count { parameter.values[index] *= 1.5 } }
        let fresh = try network.forward(images, Pass(.evaluation, frozenWeights: FrozenWeights())).output.values
        XCTAssertEqual(fresh, try network.forward(images, Pass(.evaluation)).output.values)
        XCTAssertNotEqual(before, fresh)
    }
}
