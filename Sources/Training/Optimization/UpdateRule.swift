import Kernels
import NeuralNetwork

/// The formula with which an optimiser updates parameters.
public enum UpdateRule: Equatable, Sendable {
    /// Stochastic gradient descent with (Nesterov) momentum, as torch.optim.SGD.
    case sgd(momentum: Double, nesterov: Bool)
    /// Adam with decoupled weight decay, as torch.optim.AdamW.
    case adamW(beta1: Double, beta2: Double, epsilon: Double)

    /// The vectors that the rule keeps for each parameter, by the ends of their names in a checkpoint. AdamW's names are PyTorch's.
    var moments: [String] {
        switch self {
        case .sgd: return [""]
        case .adamW: return [".exp_avg", ".exp_avg_sq"]
        }
    }

    /// Whether the formula contains the number of updates.
    var countsUpdates: Bool {
        if case .adamW = self { return true }
        return false
    }

    /// Updates a parameter from its gradient.
    ///
    /// - Parameters:
    ///   - moments: the parameter's elements in each vector of `moments`.
    ///   - update: the number of this update; 1 for the first.
    func apply(
        to parameter: Parameter, moments: [UnsafeMutablePointer<Float>], update: Double, rate: Double, weightDecay: Double,
        _ context: KernelContext
    ) {
        switch self {
        case .sgd(let momentum, let nesterov):
            SGDUpdate.apply(
                values: parameter.values, gradients: parameter.gradient, velocities: moments[0], count: parameter.count,
                rate: Float(rate), momentum: Float(momentum), weightDecay: Float(weightDecay), nesterov: nesterov, context)
        case .adamW(let beta1, let beta2, let epsilon):
            AdamWUpdate.apply(
                values: parameter.values, gradients: parameter.gradient, means: moments[0], squares: moments[1], count: parameter.count,
                step: update, rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay, context)
        }
    }
}
