import Interchange
import NeuralNetwork
import TestSupport
import XCTest

@testable import Training

/// Compares the optimisers with torch.optim. Fixtures/make_optimizer_fixtures.py has the same cases.
final class OptimizerFixtureTests: XCTestCase {
    private static let rates = [0.1, 0.1, 0.05, 0.02, 0.02]

    private static let cases: [(name: String, options: Optimizer.Options)] = [
        ("sgd", .init(rule: .sgd(momentum: 0.9, nesterov: false), weightDecay: 0.01, decaysNormAndBias: true)),
        (
            "sgd_nesterov_layers",
            .init(rule: .sgd(momentum: 0.8, nesterov: true), weightDecay: 0.05, decaysNormAndBias: false, layerDecay: 0.7)
        ),
        ("adamw", .init(rule: .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), weightDecay: 0.01, decaysNormAndBias: true)),
        (
            "adamw_layers",
            .init(rule: .adamW(beta1: 0.8, beta2: 0.95, epsilon: 1e-3), weightDecay: 0.2, decaysNormAndBias: false, layerDecay: 0.6)
        ),
    ]

    private func network() -> Network {
        let network = ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]).makeNetwork(outputs: 2, resolutionCount: nil)
        for parameter in network.arena.parameters {
            parameter.setFileValues(Formula.values("optimizer.\(parameter.name)", parameter.count))
        }
        return network
    }

    private func setGradients(_ network: Network, step: Int) {
        for parameter in network.arena.parameters {
            let values = Formula.values("optimizer.gradient\(step).\(parameter.name)", parameter.count)
            parameter.fromFileLayout(values, into: parameter.gradient)
        }
    }

    func testSeveralStepsMatchPyTorch() throws {
        let fixture = try Fixture("optimizer")
        let endings = ["": ".momentum", ".exp_avg": ".exp_avg", ".exp_avg_sq": ".exp_avg_sq"]
        for (name, options) in Self.cases {
            let network = network()
            let optimizer = Optimizer([network], options, context: .test)
            for (step, rate) in Self.rates.enumerated() {
                setGradients(network, step: step)
                optimizer.step(learningRates: [rate])
            }
            let saved = Dictionary(uniqueKeysWithValues: optimizer.tensors().map { ($0.name, $0) })
            let tested = network.arena.parameters.filter { fixture.names.contains("\(name)/\($0.name)") }
            XCTAssertEqual(tested.count, 10, name)
            for parameter in tested {
                assertClose(parameter.fileValues(), try fixture("\(name)/\(parameter.name)"), "\(name) \(parameter.name)")
                for ending in options.rule.moments {
                    let tensor = try XCTUnwrap(saved["classifier.\(parameter.name)\(ending)"])
                    assertClose(
                        tensor.values, try fixture("\(name)/\(parameter.name)\(endings[ending]!)"), "\(name) \(parameter.name)\(ending)")
                }
            }
        }
    }

    /// A run that stops after two steps and continues from the saved state.
    func testASavedStateContinuesBitForBit() throws {
        for (name, options) in Self.cases {
            let (whole, first, second) = (network(), network(), network())
            let optimizers = [whole, first, second].map { Optimizer([$0], options, context: .test) }
            for (step, rate) in Self.rates.enumerated() {
                for (optimizer, network) in zip(optimizers, [whole, first, second]) {
                    setGradients(network, step: step)
                    if network !== second || step >= 2 { optimizer.step(learningRates: [rate]) }
                }
                guard step == 1 else { continue }
                second.copyValues(from: first)
                try withTemporaryFolder { folder in
                    let path = folder + "/optimizer.safetensors"
                    try SafetensorsFile.write(optimizers[1].tensors(), to: path)
                    try optimizers[2].load(path)
                }
            }
            XCTAssertTrue(Array(second.arena.values) == Array(whole.arena.values), name)
            optimizers[2].reset()
            XCTAssertTrue(optimizers[2].buffers.allSatisfy { $0.allSatisfy { $0 == 0 } }, name)
        }
    }

    func testTheStateOfAnotherRuleIsRefused() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/optimizer.safetensors"
            let optimizers = [Self.cases[0], Self.cases[2]].map { Optimizer([network()], $0.options, context: .test) }
            try SafetensorsFile.write(optimizers[0].tensors(), to: path)
            XCTAssertThrowsError(try optimizers[1].load(path)) { XCTAssertTrue("\($0)".contains("exp_avg"), "\($0)") }
        }
    }

    func testOnlyTheFirstNetworkHasLayerDecay() {
        let networks = [network(), network()]
        let options = Optimizer.Options(rule: .sgd(momentum: 0, nesterov: false), weightDecay: 0, decaysNormAndBias: true, layerDecay: 0.5)
        let optimizer = Optimizer(networks, options, context: .test)
        let factors = optimizer.states.map { Set($0.rateFactors.compactMap { $0 }) }
        XCTAssertEqual(factors[0], [1, 0.5, 0.25, 0.125, 0.0625, 0.03125])
        XCTAssertEqual(factors[1], [1])
    }

    func testFrozenStagesKeepValuesAndMoments() {
        var definition = NetworkDefinition(
            architecture: ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]), outputs: 2, resolutionCount: nil, frozenStages: 2)
        for frozen in [2, 0] {
            definition.frozenStages = frozen
            let network = Network(definition)
            network.arena.initialize(seed: 1, stream: 0)
            let before = Array(network.arena.values)
            let optimizer = Optimizer([network], Self.cases[2].options, context: .test)
            network.arena.gradients.update(repeating: 1)
            optimizer.step(learningRates: [0.1])
            for parameter in network.arena.parameters {
                let isFrozen = ["conv1", "bn1.", "layer1"].contains { parameter.name.hasPrefix($0) } && frozen > 0
                XCTAssertEqual(parameter.values[0] == before[parameter.offset], isFrozen, parameter.name)
                XCTAssertEqual(optimizer.states[0].moments[1][parameter.offset] == 0, isFrozen, parameter.name)
            }
        }
    }
}
