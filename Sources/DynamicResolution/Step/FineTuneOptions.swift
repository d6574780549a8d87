/// The options of a fine-tuning step.
public struct FineTuneOptions {
    public var estimator: PolicyEstimator
    public var regularizer: FLOPsRegularizer
    public var policyTerms: PolicyTerms
    /// τ of the Gumbel softmax.
    public var temperature: Float
    /// The images that update the running statistics of the classifier's batch norms.
    public var batchNormImages: BatchNormImages
    /// The network that does not change.
    public var frozen: FrozenPart
    /// The noise of a micro-batch's images. It is a pure function of the images, so it can be recomputed.
    public var noise: (MicroBatch) -> PolicyNoise

    public init(
        estimator: PolicyEstimator, regularizer: FLOPsRegularizer, policyTerms: PolicyTerms = PolicyTerms(), temperature: Float,
        batchNormImages: BatchNormImages = .routed, frozen: FrozenPart = .none, noise: @escaping (MicroBatch) -> PolicyNoise
    ) {
        self.estimator = estimator
        self.regularizer = regularizer
        self.policyTerms = policyTerms
        self.temperature = temperature
        self.batchNormImages = batchNormImages
        self.frozen = frozen
        self.noise = noise
    }
}

/// The images whose statistics a resolution's batch norms keep. It matters where an estimator computes every loss forward only: `dense`
/// runs all images through every resolution anyway, and the others never do.
public enum BatchNormImages: String, CaseIterable, Sendable {
    /// The images that were routed to the resolution, as in the dynamic network.
    case routed
    /// All: the forward-only passes normalise with the batch and record its statistics, in place of the routed sub-batches' passes.
    /// The statistics of rarely chosen resolutions stay up to date with the weights.
    case all
}
