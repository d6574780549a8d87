import Communication
import NeuralNetwork
import XCTest
@testable import Training

final class RankExchangeTests: XCTestCase {
    private func network() -> Network {
        let network = ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]).makeNetwork(outputs: 2, resolutionCount: nil)
        network.arena.initialize(seed: 1, stream: 0)
        return network
    }

    func testEqualReplicasPassTheCheck() throws {
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            try RankExchange(communicator).checkReplicas([self.network()])
        }
    }

    func testAReplicaWithOneFlippedBitIsNamed() {
        XCTAssertThrowsError(
            try InMemoryCommunicator.run(rankCount: 3) { communicator in
                let network = self.network()
                if communicator.rank == 2 {
                    let value = network.arena.values[5]
                    network.arena.values[5] = Float(bitPattern: value.bitPattern ^ 1)
                }
                try RankExchange(communicator).checkReplicas([network])
            }
        ) { error in
            XCTAssertTrue("\(error)".contains("rank 2"), "\(error)")
            XCTAssertFalse("\(error)".contains("rank 1 "), "\(error)")
        }
    }

    func testBroadcastGivesEveryRankTheWeightsOfRankZero() throws {
        let root = network()
        let expected = withExtendedLifetime(root) { Array(root.arena.values) }
        try InMemoryCommunicator.run(rankCount: 2) { communicator in
            let network = self.network()
            if communicator.rank == 1 { network.arena.values.update(repeating: 3) }
            try RankExchange(communicator).broadcast([network], nil)
            XCTAssertTrue(withExtendedLifetime(network) { Array(network.arena.values) } == expected)
        }
    }

    func testGradientsAreSummed() throws {
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            let network = self.network()
            network.arena.gradients.update(repeating: Float(communicator.rank + 1))
            try RankExchange(communicator).reduceGradients([network])
            XCTAssertTrue(network.arena.gradients.allSatisfy { $0 == 6 })
        }
    }
}
