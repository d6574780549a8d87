/// The exact expectation: the classifier trains on a sampled sub-batch, and the predictor minimises Σ_j π_ij ℓ_ij plus the
/// regulariser on the mean of Σ_j π_ij C_j, with every ℓ_ij computed forward only. It has neither sampling noise nor bias.
public struct Expected: PolicyEstimator {
    public init() {}

    public var name: String { "expected" }
    public var computed: ComputedResolutions { .chosenAndLosses }

    public func decide(_ input: PolicyInput) -> PolicyDecision {
        let policy = input.policy
        return PolicyDecision(choices: input.sampledChoices, costWeights: policy, policy: policy)
    }

    public func logitGradient(_ input: PolicyInput, _ decision: PolicyDecision, _ outcome: PolicyOutcome) -> [Float] {
        let scale = 1 / Float(outcome.globalCount)
        let gradient = zip(outcome.losses, input.rows(outcome.costGradient)).map { $0 * scale + $1 }
        return Logits.softmaxPullback(probabilities: decision.policy, gradient: gradient, columns: input.columns)
    }
}
