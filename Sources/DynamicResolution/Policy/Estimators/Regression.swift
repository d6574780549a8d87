/// Loss regression: output z_ij predicts ℓ_ij, the loss of image i at resolution j, by the mean squared error over images and resolutions.
/// The choice is argmin_j (z_ij + λ C_j), and λ is free after training: one training serves all budgets.
///
/// The cost is not part of the loss. The classifier trains at every resolution on every image, as in warm-up, so that it stays good at all
/// of them whatever λ will be.
public struct Regression: PolicyEstimator {
    public init() {}

    public var name: String { "regression" }
    public var computed: ComputedResolutions { .everyLoss }

    /// The choices at the present price of the cost. They enter the report only.
    public func decide(_ input: PolicyInput) -> PolicyDecision {
        let choices = likeliest(input)
        let policy = Logits.softmax(negatedSums(input), columns: input.columns)
        return PolicyDecision(choices: choices, costWeights: input.onehot(choices), policy: policy)
    }

    public func likeliest(_ input: PolicyInput) -> [Int] { Logits.argmax(negatedSums(input), columns: input.columns) }

    /// Of Σ_ij (z_ij − ℓ_ij)² / (N m).
    public func logitGradient(_ input: PolicyInput, _ decision: PolicyDecision, _ outcome: PolicyOutcome) -> [Float] {
        let scale = 2 / Float(outcome.globalCount * input.columns)
        return zip(input.logits, outcome.losses).map { scale * ($0 - $1) }
    }

    /// −(z_ij + η C_j / (C_max − C_min)).
    private func negatedSums(_ input: PolicyInput) -> [Float] {
        zip(input.logits, input.rows(input.penalties)).map { -($0 + $1) }
    }
}
