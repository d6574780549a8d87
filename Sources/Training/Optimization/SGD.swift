import Kernels
import NeuralNetwork

/// Stochastic gradient descent with (Nesterov) momentum and weight decay, as torch.optim.SGD computes it.
public final class SGD {
    public struct Options: Sendable {
        public var momentum: Double
        public var nesterov: Bool
        public var weightDecay: Double
        /// Whether biases and batch norms decay too, as PyTorch's default does.
        public var decaysNormAndBias: Bool

        public init(momentum: Double, nesterov: Bool, weightDecay: Double, decaysNormAndBias: Bool) {
            self.momentum = momentum
            self.nesterov = nesterov
            self.weightDecay = weightDecay
            self.decaysNormAndBias = decaysNormAndBias
        }
    }

    public let options: Options
    /// One velocity for each parameter of each network, laid out as its arena.
    public let velocities: [UnsafeMutableBufferPointer<Float>]
    let networks: [Network]
    private let context: KernelContext

    public init(_ networks: [Network], _ options: Options, context: KernelContext) {
        self.networks = networks
        self.options = options
        self.context = context
        velocities = networks.map { network in
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: network.arena.values.count)
            buffer.initialize(repeating: 0)
            return buffer
        }
    }

    deinit {
        for buffer in velocities { buffer.deallocate() }
    }

    /// Forgets the past: a stage starts from rest.
    public func reset() {
        for buffer in velocities { buffer.update(repeating: 0) }
    }

    /// One update of every parameter of the first networks, one for each learning rate; a network without one stays as it is, momentum too.
    public func step(learningRates: [Double?]) {
        for (index, rate) in learningRates.enumerated() {
            guard let rate else { continue }
            for parameter in networks[index].arena.parameters {
                let decays = parameter.isWeight || options.decaysNormAndBias
                SGDUpdate.apply(
                    values: parameter.values, gradients: parameter.gradient,
                    velocities: velocities[index].baseAddress! + parameter.offset, count: parameter.count,
                    rate: Float(rate), momentum: Float(options.momentum),
                    weightDecay: decays ? Float(options.weightDecay) : 0, nesterov: options.nesterov, context)
            }
        }
    }
}
