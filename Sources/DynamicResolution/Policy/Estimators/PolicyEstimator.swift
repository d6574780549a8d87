/// How the predictor's gradient is estimated. An estimator is local: its inputs are already reduced over the ranks.
public protocol PolicyEstimator: Sendable {
    /// The name in the configuration.
    var name: String { get }
    /// What the classifier has to compute.
    var computed: ComputedResolutions { get }
    func decide(_ input: PolicyInput) -> PolicyDecision
    /// dL/dz [N × m], terms on the policy itself (`PolicyTerms`) left out.
    func logitGradient(_ input: PolicyInput, _ decision: PolicyDecision, _ outcome: PolicyOutcome) -> [Float]
}

/// At which resolutions the classifier runs each image, in the order of their cost.
public enum ComputedResolutions {
    /// The chosen one, forward and back.
    case chosen
    /// The same, and one other (`PolicyDecision.probes`) forward only.
    case chosenAndProbe
    /// The same, and every one forward only.
    case chosenAndLosses
    /// Every one, forward and back.
    case all
}

/// The predictor's answer for this rank's images, matrices [N × m] row-major.
public struct PolicyInput {
    public var logits: [Float]
    public var noise: PolicyNoise
    /// Temperature τ of the Gumbel softmax.
    public var temperature: Float
    /// m, the number of candidate resolutions.
    public var columns: Int

    public init(logits: [Float], noise: PolicyNoise, temperature: Float, columns: Int) {
        self.logits = logits
        self.noise = noise
        self.temperature = temperature
        self.columns = columns
    }
}

/// An estimator's decision: the resolution of each image, and the weights with which its cost counts.
public struct PolicyDecision {
    /// The resolution index at which each image trains the classifier.
    public var choices: [Int]
    /// The other resolution at which each image is classified too; empty unless `chosenAndProbe` is computed.
    public var probes: [Int] = []
    /// w_ij [N × m]: F̄ is the global mean of Σ_j w_ij C_j.
    public var costWeights: [Float]
    /// π = softmax(z) [N × m].
    public var policy: [Float]
}

/// What the classifier answered, matrices [N × m]; what was not computed is 0.
public struct PolicyOutcome {
    /// ⟨dL/dŷ_i, F_j(X̂_i)⟩, L being the mean over the global batch and ŷ_i the answer at the chosen resolution.
    public var gateGradients: [Float]
    /// ℓ_ij, the loss of each image at each resolution.
    public var losses: [Float]
    /// dL/dw_ij through the regulariser, for each resolution [m].
    public var costGradient: [Float]
    /// N over all ranks.
    public var globalCount: Int

    /// With nothing computed yet.
    init(images: Int, costGradient: [Float], globalCount: Int) {
        self.costGradient = costGradient
        self.globalCount = globalCount
        losses = [Float](repeating: 0, count: images * costGradient.count)
        gateGradients = losses
    }

    /// m.
    var columns: Int { costGradient.count }
}

extension PolicyInput {
    /// π = softmax(z).
    var policy: [Float] { Logits.softmax(logits, columns: columns) }

    /// A sample from π for each image: the largest of z + g, at any temperature (Gumbel-max).
    var sampledChoices: [Int] {
        Logits.argmax(zip(logits, noise.gumbel).map { $0 + $1 }, columns: columns)
    }

    /// The rows of `perResolution` [m] for every image.
    func rows(_ perResolution: [Float]) -> [Float] {
        logits.indices.map { perResolution[$0 % columns] }
    }
}
