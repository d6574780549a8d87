import Kernels
import NeuralNetwork

/// Stochastic gradient descent with (Nesterov) momentum and weight decay, as torch.optim.SGD computes it.
public final class SGD {
    public struct Options: Sendable {
        public var momentum: Double
        public var nesterov: Bool
        public var weightDecay: Double
        /// Whether weight decay applies to biases and batch norms too, as in PyTorch's default.
        public var decaysNormAndBias: Bool

        public init(momentum: Double, nesterov: Bool, weightDecay: Double, decaysNormAndBias: Bool) {
            self.momentum = momentum
            self.nesterov = nesterov
            self.weightDecay = weightDecay
            self.decaysNormAndBias = decaysNormAndBias
        }
    }

    public let options: Options
    /// The momentum of each network, in the layout of its parameter arena.
    public let velocities: [UnsafeMutableBufferPointer<Float>]
    let networks: [Network]
    private let context: KernelContext

    /// Allocates one velocity for each parameter.
    ///
    /// - Parameters:
    ///   - networks: the networks whose parameters the optimiser updates.
    ///   - options: momentum and weight decay.
    ///   - context: the kernels' threads.
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

    /// Sets all velocities to zero.
    public func reset() {
        for buffer in velocities { buffer.update(repeating: 0) }
    }

    /// Updates every parameter once.
    ///
    /// - Parameter learningRates: one for each of the first networks. A network with nil keeps its parameters and velocities.
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
