import Foundation
import Kernels
import NeuralNetwork

/// Updates the parameters of networks from their gradients. It keeps the moments that its rule needs.
public final class Optimizer {
    public struct Options: Sendable {
        public var rule: UpdateRule
        public var weightDecay: Double
        /// Whether weight decay applies to biases and batch norms too, as in PyTorch's default.
        public var decaysNormAndBias: Bool
        /// d: the learning rate of each part of the first network is d times that of the part after it. 1: all parts have the same.
        public var layerDecay: Double

        public init(rule: UpdateRule, weightDecay: Double, decaysNormAndBias: Bool, layerDecay: Double = 1) {
            self.rule = rule
            self.weightDecay = weightDecay
            self.decaysNormAndBias = decaysNormAndBias
            self.layerDecay = layerDecay
        }
    }

    public let options: Options
    let states: [NetworkState]
    private let context: KernelContext

    /// A network, and what the optimiser keeps for it.
    struct NetworkState {
        let network: Network
        /// The vectors of `UpdateRule.moments`, each in the layout of the network's parameter arena.
        let moments: [UnsafeMutableBufferPointer<Float>]
        /// The number of updates so far, as one float; empty if the rule does not need it. PyTorch keeps it as a float, too. Bias
        /// corrections are 1 long before a float can no longer count.
        let updates: UnsafeMutableBufferPointer<Float>
        /// The factor of the learning rate for each parameter of the arena; nil for a frozen parameter.
        let rateFactors: [Double?]

        var buffers: [UnsafeMutableBufferPointer<Float>] { moments + (updates.isEmpty ? [] : [updates]) }
    }

    /// Allocates the moments, all zero.
    ///
    /// - Parameters:
    ///   - networks: the networks whose parameters the optimiser updates, the classifier first.
    ///   - options: the rule and its numbers.
    ///   - context: the kernels' threads.
    public init(_ networks: [Network], _ options: Options, context: KernelContext) {
        self.options = options
        self.context = context
        states = networks.enumerated().map { index, network in
            NetworkState(
                network: network, moments: options.rule.moments.map { _ in Self.zeros(network.arena.values.count) },
                updates: Self.zeros(options.rule.countsUpdates ? 1 : 0),
                rateFactors: network.rateFactors(layerDecay: index == 0 ? options.layerDecay : 1))
        }
    }

    deinit {
        for buffer in states.flatMap({ $0.moments + [$0.updates] }) { buffer.deallocate() }
    }

    private static func zeros(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
        buffer.initialize(repeating: 0)
        return buffer
    }

    /// The whole state of the optimiser: the moments and the numbers of updates of all networks.
    var buffers: [UnsafeMutableBufferPointer<Float>] { states.flatMap(\.buffers) }

    /// Sets the state to zero.
    public func reset() {
        for buffer in buffers { buffer.update(repeating: 0) }
    }

    /// Updates every parameter once, except frozen ones.
    ///
    /// - Parameter learningRates: one for each of the first networks. A network with nil keeps its parameters and moments.
    public func step(learningRates: [Double?]) {
        for (state, rate) in zip(states, learningRates) {
            guard let rate else { continue }
            if let updates = state.updates.baseAddress, !state.updates.isEmpty { updates[0] += 1 }
            for (parameter, factor) in zip(state.network.arena.parameters, state.rateFactors) {
                guard let factor else { continue }
                let decays = parameter.isWeight || options.decaysNormAndBias
                options.rule.apply(
                    to: parameter, moments: state.moments.map { $0.baseAddress! + parameter.offset },
                    update: Double(state.updates.first ?? 0), rate: rate * factor, weightDecay: decays ? options.weightDecay : 0, context)
            }
        }
    }
}

extension Network {
    /// The factor of the learning rate for each parameter of the arena; nil for a frozen parameter. The last layer has the factor 1, the
    /// part before it d, the part before that d², and so on (timm's `param_groups_layer_decay`).
    fileprivate func rateFactors(layerDecay: Double) -> [Double?] {
        var factors: [ObjectIdentifier: Double] = [:]
        for (distance, part) in parts.reversed().enumerated() {
            for parameter in part { factors[ObjectIdentifier(parameter)] = pow(layerDecay, Double(distance)) }
        }
        let frozen = Set(frozenParameters.map { ObjectIdentifier($0) })
        return arena.parameters.map { frozen.contains(ObjectIdentifier($0)) ? nil : factors[ObjectIdentifier($0)] ?? 1 }
    }
}
