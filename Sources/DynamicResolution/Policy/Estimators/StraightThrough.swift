/// The published estimator: a hard Gumbel-softmax sample in the forward pass, its relaxation in the backward pass. Only the sub-batches are
/// computed.
///
/// Resolutions that were not chosen are not computed. To first order, the choice is therefore compared with zero logits instead of with the
/// other resolutions. The estimator tends to reinforce the resolution that it chose.
public struct StraightThrough: PolicyEstimator {
    public init() {}

    public var name: String { "straight-through" }
    public var computed: ComputedResolutions { .chosen }

    public func decide(_ input: PolicyInput) -> PolicyDecision { HardSample.decide(input) }

    /// dh_ij = [j = c_i] ⟨dL/dŷ_i, F_c⟩ + dL/dw_ij.
    public func logitGradient(_ input: PolicyInput, _ decision: PolicyDecision, _ outcome: PolicyOutcome) -> [Float] {
        HardSample.logitGradient(input, outcome)
    }
}
