import Interchange
import NeuralNetwork
import TestSupport
import XCTest

@testable import Training

final class OptimizationTests: XCTestCase {
    private func network() -> Network {
        let network = ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]).makeNetwork(outputs: 2, resolutionCount: nil)
        network.arena.initialize(seed: 1, stream: 0)
        return network
    }

    private func options(decaysNormAndBias: Bool, _ rule: UpdateRule = .sgd(momentum: 0.9, nesterov: false)) -> Optimizer.Options {
        Optimizer.Options(rule: rule, weightDecay: 0.5, decaysNormAndBias: decaysNormAndBias)
    }

    private let adamW = UpdateRule.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8)

    func testBiasesAndNormsAreSparedFromDecayWhereAsked() {
        for spared in [true, false] {
            let network = network()
            let before = Array(network.arena.values)
            Optimizer([network], options(decaysNormAndBias: !spared), context: .test).step(learningRates: [0.1])
            let norm = network.arena.parameters.first { $0.name == "bn1.weight" }!
            XCTAssertEqual(norm.values[0], spared ? 1 : 0.95, accuracy: 1e-6)
            let weight = network.arena.parameters.first { $0.name == "conv1.weight" }!
            XCTAssertEqual(weight.values[0], before[weight.offset] * 0.95, accuracy: 1e-6)
        }
    }

    func testOnlyTheFirstNetworksAreUpdatedWhereRatesAreFewer() {
        let networks = [network(), network()]
        let before = Array(networks[1].arena.values)
        let optimizer = Optimizer(networks, options(decaysNormAndBias: true), context: .test)
        optimizer.step(learningRates: [0.1])
        XCTAssertEqual(Array(networks[1].arena.values), before)
        XCTAssertNotEqual(Array(networks[0].arena.values), before)
    }

    func testANetworkWithoutARateStaysAsItIsMomentumToo() {
        for rule in [UpdateRule.sgd(momentum: 0.9, nesterov: false), adamW] {
            let networks = [network(), network()]
            for network in networks { network.arena.gradients.update(repeating: 1) }
            let before = Array(networks[0].arena.values)
            let optimizer = Optimizer(networks, options(decaysNormAndBias: true, rule), context: .test)
            for moment in optimizer.states[0].moments { moment.update(repeating: 0.5) }
            optimizer.step(learningRates: [nil, 0.1])
            XCTAssertEqual(Array(networks[0].arena.values), before)
            XCTAssertTrue(optimizer.states[0].moments.allSatisfy { $0.allSatisfy { $0 == 0.5 } })
            XCTAssertEqual(optimizer.states.map { Array($0.updates) }, rule == adamW ? [[0], [1]] : [[], []])
            XCTAssertNotEqual(Array(networks[1].arena.values), before)
        }
    }

    func testClippingScalesToTheLimitAndLeavesSmallGradientsAlone() {
        let network = network()
        network.arena.gradients.update(repeating: 0)
        network.arena.gradients[0] = 3
        network.arena.gradients[1] = 4
        let norm = GradientNorm.norm([network], .test)
        XCTAssertEqual(norm, 5, accuracy: 1e-6)
        GradientNorm.clip([network], norm: norm, to: 10, .test)
        XCTAssertEqual(network.arena.gradients[0], 3)
        GradientNorm.clip([network], norm: norm, to: 1, .test)
        XCTAssertEqual(network.arena.gradients[0], 0.6, accuracy: 1e-6)
        XCTAssertEqual(network.arena.gradients[1], 0.8, accuracy: 1e-6)
    }

    func testAChecksumSeesEveryBit() {
        var bytes = [UInt8](repeating: 0, count: 21)
        func checksum() -> UInt32 {
            var sum = CRC32()
            bytes.withUnsafeBytes { sum.add($0) }
            return sum.value
        }
        let original = checksum()
        for index in bytes.indices {
            for bit in 0..<8 {
                bytes[index] ^= 1 << bit
                XCTAssertNotEqual(checksum(), original, "bit \(bit) of byte \(index)")
                bytes[index] ^= 1 << bit
            }
        }
    }
}
