/// Straight-through with every resolution computed: ŷ_i = Σ_j h_ij F_j(X̂_i). To first order, each resolution is compared with the others.
/// Training costs as much as all resolutions together, and every batch norm sees every image.
public struct Dense: PolicyEstimator {
    public init() {}

    public var name: String { "dense" }
    public var computed: ComputedResolutions { .all }

    public func decide(_ input: PolicyInput) -> PolicyDecision { HardSample.decide(input) }

    /// dh_ij = ⟨dL/dŷ_i, F_j⟩ + dL/dw_ij.
    public func logitGradient(_ input: PolicyInput, _ decision: PolicyDecision, _ outcome: PolicyOutcome) -> [Float] {
        HardSample.logitGradient(input, outcome)
    }
}
