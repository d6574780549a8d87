/// Two samples for the price of a forward pass: the classifier trains on a sampled sub-batch, and each image's loss at one other
/// resolution, drawn uniformly from the rest, is computed forward only. The predictor minimises what `Expected` does, with an unbiased
/// estimate.
///
/// The gradient of Σ_j π_j ℓ_j is Σ_{j<k} π_j π_k (ℓ_j − ℓ_k)(e_j − e_k), a sum over unordered pairs. With c drawn from π and p from the
/// m − 1 others, the pair {c, p} comes up with probability (π_c + π_p) / (m − 1): one pair, divided by that, has the sum as its mean, and
/// is bounded by (m − 1)/4 · |ℓ_c − ℓ_p|. Each sample is the other's leave-one-out baseline (as in Kool et al., "Buy 4 REINFORCE samples,
/// get a baseline for free", 2019). Theirs are two independent draws from π, which coincide where one resolution dominates, and teach
/// nothing then; these differ always.
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
