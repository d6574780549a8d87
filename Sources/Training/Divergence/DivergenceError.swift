import Communication

/// Training diverged: too many steps in a row had a loss or a gradient that is not finite, or a loss that exploded. All ranks throw it.
struct DivergenceError: SharedFailure, CustomStringConvertible {
    enum Kind {
        /// The steps were skipped.
        ///
        /// - Parameters:
        ///   - steps: how many, in a row.
        ///   - fault: of the last of them.
        case notFinite(steps: Int, fault: StepFault)
        /// - Parameters:
        ///   - steps: how many, in a row.
        ///   - loss: of the last of them.
        ///   - limit: the largest sound loss.
        case exploded(steps: Int, loss: Double, limit: Double)
    }

    var kind: Kind
    var stage: String
    /// Starts at 1.
    var epoch: Int
    /// Starts at 1.
    var step: Int
    var learningRates: [Double]
    /// The step of the newest checkpoint from before the first doubtful step; nil if there is none. Known on rank 0, which reports.
    var soundCheckpoint: Int?

    var description: String {
        let rates = learningRates.map { "\($0)" }.joined(separator: ", ")
        let place = "training diverged at step \(step) (stage \(stage), epoch \(epoch), learning rates \(rates))"
        let remedy =
            "Lower the learning rate, add warm-up epochs or set optimizer.clipGradientNorm, then "
            + (soundCheckpoint.map { "continue from the newest sound checkpoint: --resume-from \($0)" }
                ?? "start over with --restart: there is no checkpoint from before")
        return "\(place): \(problem). \(remedy)"
    }

    private var problem: String {
        switch kind {
        case .notFinite(let steps, let fault):
            return "\(fault)" + (steps > 1 ? ". It is the last of \(steps) such steps in a row, which were skipped" : "")
        case .exploded(let steps, let loss, let limit):
            return "the loss is \(loss), and above \(limit) in \(steps) \(steps == 1 ? "step" : "steps") in a row (divergence.lossFactor). "
                + "The weights since then are finite, but not usable"
        }
    }
}
