import Communication
import DynamicResolution
import NeuralNetwork
import XCTest
@testable import Training

final class RankExchangeTests: XCTestCase {
    private func network() -> ResNet {
        let network = ResNet(ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]), outputs: 2, resolutionCount: nil)
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

    /// What each of three ranks decides, when its own gradients and loss are these.
    private func decisions(gradients: [Float], losses: [Double], stops: [Bool]) throws -> [StepDecision] {
        let decisions = LockedList<StepDecision>()
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            let network = self.network()
            network.arena.gradients.update(repeating: gradients[communicator.rank])
            var report = StepReport(resolutionCount: 1)
            report.lossSum = losses[communicator.rank]
            report.images = 1
            // Without `reduceGradients`: the ranks' gradients differ, as after a fault.
            let decision = try RankExchange(communicator).agree([network], &report, stopIsAsked: stops[communicator.rank])
            decisions.append(decision)
            XCTAssertEqual(report.images, 3)
        }
        return decisions.values
    }

    func testAllRanksTakeTheSameBranchWhereOneIsNotFinite() throws {
        let fine: [Double] = [1, 2, 3]
        for broken in 0..<3 {
            for value in [Float.nan, .infinity, -.infinity] {
                var gradients: [Float] = [1, 1, 1]
                gradients[broken] = value
                let decided = try decisions(gradients: gradients, losses: fine, stops: [false, false, false])
                XCTAssertEqual(decided.map(\.isFinite), [false, false, false], "gradients \(gradients)")
            }
            var losses = fine
            losses[broken] = .nan
            let decided = try decisions(gradients: [1, 1, 1], losses: losses, stops: [false, false, false])
            XCTAssertEqual(decided.map(\.isFinite), [false, false, false], "losses \(losses)")
        }
        let decided = try decisions(gradients: [1, 1, 1], losses: fine, stops: [false, false, false])
        XCTAssertEqual(decided.map(\.isFinite), [true, true, true])
        XCTAssertEqual(decided.map(\.stopIsAsked), [false, false, false])
    }

    func testAllRanksClipByTheNormOfRankZeroAndStopTogether() throws {
        let network = network()
        network.arena.gradients.update(repeating: 0.3)
        let expected = GradientNorm.norm([network])
        let decided = try decisions(gradients: [0.3, 5, 0.7], losses: [0, 0, 0], stops: [false, false, true])
        XCTAssertEqual(
            decided, [StepDecision](repeating: StepDecision(stopIsAsked: true, isFinite: true, gradientNorm: expected), count: 3))
    }
}

/// A list that several threads append to. The lock makes `@unchecked Sendable` safe.
private final class LockedList<Element>: @unchecked Sendable {
    private let lock = NSLock()
    private var elements: [Element] = []

    func append(_ element: Element) { lock.withLock { elements.append(element) } }
    var values: [Element] { lock.withLock { elements } }
}
