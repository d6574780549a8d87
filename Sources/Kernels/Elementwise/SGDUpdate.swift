/// The update of stochastic gradient descent with momentum and dampening 0, as in torch.optim.SGD.
public enum SGDUpdate {
    /// v ← momentum · v + g + weightDecay · w;  w ← w − rate · (nesterov ? g + weightDecay · w + momentum · v : v).
    public static func apply(
        values: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>, velocities: UnsafeMutablePointer<Float>,
        count: Int, rate: Float, momentum: Float, weightDecay: Float, nesterov: Bool,
        _ context: KernelContext
    ) {
        context.threads.forEachBlock(count, blockSize: 1 << 15) { range in
            if nesterov {
                for index in range {
                    let slope = gradients[index] + weightDecay * values[index]
                    let velocity = momentum * velocities[index] + slope
                    velocities[index] = velocity
                    values[index] -= rate * (slope + momentum * velocity)
                }
            } else {
                for index in range {
                    let velocity = momentum * velocities[index] + gradients[index] + weightDecay * values[index]
                    velocities[index] = velocity
                    values[index] -= rate * velocity
                }
            }
        }
    }
}
