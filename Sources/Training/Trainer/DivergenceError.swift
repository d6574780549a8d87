import Communication

/// The loss or the gradient of a step is not finite.
struct DivergenceError: SharedFailure, CustomStringConvertible {
    var stage: String
    var epoch: Int
    var step: Int
    var loss: Double
    var gradientNorm: Double
    var learningRates: [Double]

    var description: String {
        "training diverged at step \(step) (stage \(stage), epoch \(epoch)): loss \(loss), gradient norm \(gradientNorm), learning rates "
            + "\(learningRates). The weights were not updated, and earlier checkpoints are intact: lower the "
            + "learning rate, add warm-up epochs or set optimizer.clipGradientNorm, then resume"
    }
}
