import Communication
import DynamicResolution
import NeuralNetwork
import XCTest

@testable import Training

final class RankExchangeTests: XCTestCase {
    private func network() -> Network {
        let network = ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]).makeNetwork(outputs: 2, resolutionCount: nil)
        network.arena.initialize(seed: 1, stream: 0)
        return network
    }

    func testEqualReplicasPassTheCheckAndTheirNumbersAreGathered() throws {
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            let network = self.network()
            let gathered = try RankExchange(communicator).checkReplicas(
                ReplicaTensor.tensors(of: network, prefix: "classifier."), step: 4, gathering: [UInt64(communicator.rank), .max])
            XCTAssertEqual(gathered, [[0, .max], [1, .max], [2, .max]])
        }
        let alone = try RankExchange(SingleProcess()).checkReplicas([], step: 4, gathering: [7])
        XCTAssertEqual(alone, [[7]])
    }

    /// Compares the replicas of several ranks. One of them has one other bit in a vector of its network or its optimiser.
    private func check(
        rankCount: Int, flipped rank: Int, _ vector: @escaping (Network, Optimizer) -> UnsafeMutableBufferPointer<Float>
    ) throws {
        try InMemoryCommunicator.run(rankCount: rankCount) { communicator in
            let network = self.network()
            let optimizer = Optimizer(
                [network], .init(rule: .sgd(momentum: 0.9, nesterov: false), weightDecay: 0, decaysNormAndBias: true), context: .test)
            if communicator.rank == rank {
                let values = vector(network, optimizer)
                values[0] = Float(bitPattern: values[0].bitPattern ^ 1)
            }
            let tensors = ReplicaTensor.tensors(of: network, prefix: "classifier.") + ReplicaTensor.tensors(of: optimizer)
            try RankExchange(communicator).checkReplicas(tensors, step: 12)
        }
    }

    func testOneFlippedBitIsFoundInParametersStatisticsAndTheOptimizer() {
        let network = network()
        let (parameter, statistic) = (network.arena.parameters[0].name, network.arena.statistics[0].name)
        let cases: [(String, (Network, Optimizer) -> UnsafeMutableBufferPointer<Float>)] = [
            ("(classifier.\(parameter))", { network, _ in network.arena.values }),
            ("(classifier.\(statistic))", { network, _ in network.arena.runningStatistics }),
            ("(classifier.\(parameter)'s momentum)", { _, optimizer in optimizer.states[0].moments[0] }),
        ]
        for (name, vector) in cases {
            for rank in 0..<3 {
                XCTAssertThrowsError(try check(rankCount: 3, flipped: rank, vector)) { error in
                    XCTAssertTrue("\(error)".contains("differ after step 12: rank \(rank) on memory holds other values"), "\(error)")
                    XCTAssertTrue("\(error)".contains(name), "\(error)")
                    XCTAssertTrue(error is SharedFailure)
                }
            }
        }
    }

    func testTwoRanksHaveNoMajority() {
        XCTAssertThrowsError(try check(rankCount: 2, flipped: 1) { network, _ in network.arena.values }) { error in
            XCTAssertTrue("\(error)".contains("rank 0 on memory and rank 1 on memory hold different values"), "\(error)")
            XCTAssertTrue("\(error)".contains("no majority"), "\(error)")
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

    func testBroadcastGivesEveryRankTheOptimizerOfRankZero() throws {
        try InMemoryCommunicator.run(rankCount: 2) { communicator in
            let network = self.network()
            let optimizer = Optimizer(
                [network], .init(rule: .adamW(beta1: 0.9, beta2: 0.99, epsilon: 1e-8), weightDecay: 0, decaysNormAndBias: true),
                context: .test)
            network.arena.gradients.update(repeating: 1)
            for _ in 0...communicator.rank { optimizer.step(learningRates: [0.1]) }
            try RankExchange(communicator).broadcast([network], optimizer)
            XCTAssertEqual(optimizer.buffers.map(\.count).reduce(0, +), 2 * network.arena.values.count + 1)
            XCTAssertEqual(optimizer.states[0].updates[0], 1)
            XCTAssertEqual(optimizer.states[0].moments[0][0], 0.1, accuracy: 1e-6)
            XCTAssertEqual(optimizer.states[0].moments[1][0], 0.01, accuracy: 1e-6)
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

    /// One collective for all collectors and the numbers that go along.
    func testStatisticsAreSummedAppliedAndCleared() throws {
        let moments = (first: [1.0, 3, 5], second: [2.0, 10, 30])
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            let networks = [self.network(), self.network()]
            let collectors = networks.map { StatisticsCollector($0.arena) }
            for (collector, factor) in zip(collectors, [1.0, 2]) {
                // Of each copy: Σ x, Σ x² and the number of values of this rank.
                var sums: [Double] = []
                for copy in networks[0].arena.batchNormCopies {
                    sums += [Double](repeating: factor * moments.first[communicator.rank], count: copy.channels)
                    sums += [Double](repeating: factor * moments.second[communicator.rank], count: copy.channels) + [factor * 2]
                }
                collector.replaceSums(sums[...])
            }
            var extra = [Double(communicator.rank), 1]
            try RankExchange(communicator).reduceStatistics(collectors, momentum: 0.5, extra: &extra)
            XCTAssertEqual(extra, [3, 3])
            for (index, (network, collector)) in zip(networks, collectors).enumerated() {
                XCTAssertTrue(collector.sums.allSatisfy { $0 == 0 }, "cleared for the next step")
                let count = Double(6 * (index + 1))
                for copy in network.arena.batchNormCopies {
                    // The mean is 9 / 6 in both; the running mean starts at 0, the running variance at 1.
                    XCTAssertEqual(Double(copy.runningMean.values[0]), 0.5 * 1.5, accuracy: 1e-6, copy.name)
                    let variance = (7 - 1.5 * 1.5) * count / (count - 1)
                    XCTAssertEqual(Double(copy.runningVariance.values[0]), 0.5 + 0.5 * variance, accuracy: 1e-6, copy.name)
                }
            }
        }
    }

    func testStatisticsOfAStepThatIsNotUsedAreClearedAndNotApplied() throws {
        let network = network()
        let collector = StatisticsCollector(network.arena)
        collector.replaceSums([Double](repeating: .nan, count: collector.sums.count)[...])
        let before = withExtendedLifetime(network) { Array(network.arena.runningStatistics) }
        var extra = [1.0]
        try RankExchange(SingleProcess()).reduceStatistics([collector], momentum: 0.5, extra: &extra) { $0[0] == 0 }
        XCTAssertTrue(collector.sums.allSatisfy { $0 == 0 })
        XCTAssertEqual(withExtendedLifetime(network) { Array(network.arena.runningStatistics) }, before)
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
            let decision = try RankExchange(communicator).agree(
                [network], [], momentum: 0.1, &report, stopIsRequested: stops[communicator.rank], .test)
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
        XCTAssertEqual(decided.map(\.stopIsRequested), [false, false, false])
    }

    func testAllRanksClipByTheNormOfRankZeroAndStopTogether() throws {
        let network = network()
        network.arena.gradients.update(repeating: 0.3)
        let expected = GradientNorm.norm([network], .test)
        let decided = try decisions(gradients: [0.3, 5, 0.7], losses: [0, 0, 0], stops: [false, false, true])
        XCTAssertEqual(
            decided, [StepDecision](repeating: StepDecision(stopIsRequested: true, isFinite: true, gradientNorm: expected), count: 3))
    }
}

/// A list that several threads append to. The lock makes `@unchecked Sendable` safe.
private final class LockedList<Element>: @unchecked Sendable {
    private let lock = NSLock()
    private var elements: [Element] = []

    func append(_ element: Element) { lock.withLock { elements.append(element) } }
    var values: [Element] { lock.withLock { elements } }
}
