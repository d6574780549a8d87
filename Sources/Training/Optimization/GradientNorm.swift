import Kernels
import NeuralNetwork

/// The Euclidean norm of the gradients of all networks together.
enum GradientNorm {
    static func norm(_ networks: [Network], _ context: KernelContext) -> Double {
        networks.reduce(0.0) {
            $0 + Elementwise.sumOfSquares($1.arena.gradients.baseAddress!, count: $1.arena.gradients.count, context)
        }.squareRoot()
    }

    /// Scales the gradients to the norm `limit` if their norm exceeds it (torch.nn.utils.clip_grad_norm_). A limit of 0 disables clipping.
    static func clip(_ networks: [Network], norm: Double, to limit: Double, _ context: KernelContext) {
        guard limit > 0, norm > limit else { return }
        for network in networks {
            Elementwise.scale(
                network.arena.gradients.baseAddress!, by: Float(limit / norm), count: network.arena.gradients.count,
                context)
        }
    }
}
