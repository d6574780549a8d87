/// The predictor's answer for this rank's images, matrices [N × m] row-major.
public struct PolicyInput {
    public var logits: [Float]
    /// Standard Gumbel noise.
    public var noise: [Float]
    /// Temperature τ of the Gumbel softmax.
    public var temperature: Float
    /// m, the number of candidate resolutions.
    public var columns: Int

    public init(logits: [Float], noise: [Float], temperature: Float, columns: Int) {
        self.logits = logits
        self.noise = noise
        self.temperature = temperature
        self.columns = columns
    }
}

/// What an estimator makes of it: where each image goes, and with which weights its cost counts.
public struct PolicyDecision {
    /// The resolution index at which each image trains the classifier.
    public var choices: [Int]
    /// w_ij [N × m]: F̄ is the global mean of Σ_j w_ij C_j.
    public var costWeights: [Float]
    /// What the estimator's gradient needs again: the relaxed probabilities [N × m].
    public var probabilities: [Float]

    public init(choices: [Int], costWeights: [Float], probabilities: [Float]) {
        self.choices = choices
        self.costWeights = costWeights
        self.probabilities = probabilities
    }
}

/// What the classifier answered.
public struct PolicyOutcome {
    /// ⟨dL/dŷ_i, F_c(X̂_i)⟩ of each image at its chosen resolution, L being the mean over the global batch.
    public var gateGradients: [Float]
    /// ℓ_ij [N × m], the loss of each image at each resolution; empty unless the estimator asked for it.
    public var losses: [Float]
    /// dL/dw_ij through the regulariser, for each resolution.
    public var costGradient: [Float]
    /// N over all ranks.
    public var globalCount: Int

    public init(gateGradients: [Float], losses: [Float], costGradient: [Float], globalCount: Int) {
        self.gateGradients = gateGradients
        self.losses = losses
        self.costGradient = costGradient
        self.globalCount = globalCount
    }
}

/// How the predictor's gradient is estimated. An estimator is local: it knows no ranks, and gets what was reduced over them.
public protocol PolicyEstimator {
    /// The name in the configuration.
    var name: String { get }
    /// Whether `PolicyOutcome.losses` is needed: every image's loss at every resolution, computed forward only.
    var needsAllLosses: Bool { get }
    func decide(_ input: PolicyInput) -> PolicyDecision
    /// dL/dz [N × m].
    func logitGradient(_ input: PolicyInput, _ decision: PolicyDecision, _ outcome: PolicyOutcome) -> [Float]
}

/// The published estimator: a hard Gumbel-softmax sample going forward, its relaxation going back, sub-batches only.
///
/// The resolutions that were not chosen are not computed, so that to first order the choice is compared with zero logits instead
/// of with them; it tends to reinforce whatever it picks.
public struct StraightThrough: PolicyEstimator {
    public init() {}

    public var name: String { "straight-through" }
    public var needsAllLosses: Bool { false }

    public func decide(_ input: PolicyInput) -> PolicyDecision {
        let probabilities = GumbelSoftmax.probabilities(
            logits: input.logits, noise: input.noise, temperature: input.temperature, columns: input.columns)
        let choices = GumbelSoftmax.argmax(probabilities, columns: input.columns)
        var hard = [Float](repeating: 0, count: probabilities.count)
        for (image, choice) in choices.enumerated() { hard[image * input.columns + choice] = 1 }
        return PolicyDecision(choices: choices, costWeights: hard, probabilities: probabilities)
    }

    /// dh_ij = [j = c_i] ⟨dL/dŷ_i, F_c⟩ + dL/dw_ij, and then the Gumbel softmax's own gradient.
    public func logitGradient(_ input: PolicyInput, _ decision: PolicyDecision, _ outcome: PolicyOutcome) -> [Float] {
        var gradient = [Float](repeating: 0, count: decision.probabilities.count)
        for (image, choice) in decision.choices.enumerated() {
            for column in 0..<input.columns {
                gradient[image * input.columns + column] = outcome.costGradient[column]
            }
            gradient[image * input.columns + choice] += outcome.gateGradients[image]
        }
        return GumbelSoftmax.logitGradient(
            probabilities: decision.probabilities, gradient: gradient, temperature: input.temperature,
            columns: input.columns)
    }
}

/// The exact expectation: the classifier trains on a sampled sub-batch, and the predictor minimises Σ_j π_ij ℓ_ij plus the
/// regulariser on the mean of Σ_j π_ij C_j, with every ℓ_ij computed forward only. Free of sampling noise and of bias.
public struct Expected: PolicyEstimator {
    public init() {}

    public var name: String { "expected" }
    public var needsAllLosses: Bool { true }

    /// The largest of z + g is a sample from π = softmax(z), at any temperature.
    public func decide(_ input: PolicyInput) -> PolicyDecision {
        let perturbed = zip(input.logits, input.noise).map { $0 + $1 }
        let probabilities = GumbelSoftmax.softmax(input.logits, columns: input.columns)
        return PolicyDecision(
            choices: GumbelSoftmax.argmax(perturbed, columns: input.columns), costWeights: probabilities,
            probabilities: probabilities)
    }

    public func logitGradient(_ input: PolicyInput, _ decision: PolicyDecision, _ outcome: PolicyOutcome) -> [Float] {
        let scale = 1 / Float(outcome.globalCount)
        let gradient = outcome.losses.enumerated().map { index, loss in
            loss * scale + outcome.costGradient[index % input.columns]
        }
        return GumbelSoftmax.softmaxGradient(
            probabilities: decision.probabilities, gradient: gradient, columns: input.columns)
    }
}
