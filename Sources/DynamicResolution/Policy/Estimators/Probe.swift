/// Computes one additional loss for each image. The classifier trains on a sampled sub-batch. The loss at one other resolution, drawn
/// uniformly from the rest, is computed forward only. The predictor minimises the objective of `Expected`, with an unbiased estimate.
///
/// The gradient of Σ_j π_j ℓ_j is Σ_{j<k} π_j π_k (ℓ_j − ℓ_k)(e_j − e_k), a sum over unordered pairs. With c drawn from π and p from the
/// m − 1 others, the pair {c, p} has the probability (π_c + π_p) / (m − 1). The term of one pair, divided by this probability, has the sum
/// as its mean, and is bounded by (m − 1)/4 · |ℓ_c − ℓ_p|. Each sample is the leave-one-out baseline of the other (Kool et al., "Buy 4
/// REINFORCE samples, get a baseline for free", 2019). Kool et al. draw both samples from π. If one resolution dominates, these coincide
/// and give no gradient. Here the two samples always differ.
public struct Probe: PolicyEstimator {
    public init() {}

    public var name: String { "probe" }
    public var computed: ComputedResolutions { .chosenAndProbe }

    public func decide(_ input: PolicyInput) -> PolicyDecision {
        let (policy, choices) = (input.policy, input.sampledChoices)
        let probes = zip(choices, input.noise.probes).map { choice, draw in
            // The draw counts the resolutions but the chosen one. The only one of one is its own probe: a difference of 0.
            input.columns == 1 ? choice : draw < choice ? draw : draw + 1
        }
        return PolicyDecision(choices: choices, probes: probes, costWeights: policy, policy: policy)
    }

    public func logitGradient(_ input: PolicyInput, _ decision: PolicyDecision, _ outcome: PolicyOutcome) -> [Float] {
        let policy = decision.policy
        var gradient = Logits.softmaxPullback(
            probabilities: policy, gradient: input.rows(outcome.costGradient), columns: input.columns)
        let scale = Float(input.columns - 1) / Float(outcome.globalCount)
        for (image, (choice, probe)) in zip(decision.choices, decision.probes).enumerated() {
            let (c, p) = (image * input.columns + choice, image * input.columns + probe)
            let either = policy[c] + policy[p]
            guard either > 0 else { continue }
            let slope = scale * policy[c] * policy[p] / either * (outcome.losses[c] - outcome.losses[p])
            gradient[c] += slope
            gradient[p] -= slope
        }
        return gradient
    }
}
