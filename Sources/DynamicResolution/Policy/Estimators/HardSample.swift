/// Shared by `StraightThrough` and `Dense`: h = onehot(argmax s) in the forward pass, dh = ds in the backward pass, with s the Gumbel
/// softmax.
enum HardSample {
    static func decide(_ input: PolicyInput) -> PolicyDecision {
        let choices = Logits.argmax(relaxed(input), columns: input.columns)
        return PolicyDecision(choices: choices, costWeights: input.onehot(choices), policy: input.policy)
    }

    /// The gradient of the logits through s, given that of h: the gate's, and the cost's.
    static func logitGradient(_ input: PolicyInput, _ outcome: PolicyOutcome) -> [Float] {
        let gradient = zip(outcome.gateGradients, input.rows(outcome.costGradient)).map { $0 + $1 }
        return GumbelSoftmax.logitGradient(
            probabilities: relaxed(input), gradient: gradient, temperature: input.temperature, columns: input.columns)
    }

    private static func relaxed(_ input: PolicyInput) -> [Float] {
        GumbelSoftmax.probabilities(
            logits: input.logits, noise: input.noise.gumbel, temperature: input.temperature, columns: input.columns)
    }
}
