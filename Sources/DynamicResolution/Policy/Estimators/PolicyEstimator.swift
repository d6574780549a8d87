/// Estimates the predictor's gradient. An estimator is local: its inputs are already reduced over the ranks.
public protocol PolicyEstimator: Sendable {
    /// The name in the configuration.
    var name: String { get }
    /// The resolutions that the classifier must compute.
    var computed: ComputedResolutions { get }
    func decide(_ input: PolicyInput) -> PolicyDecision
    /// The resolution of each image without noise, as evaluation chooses it.
    func likeliest(_ input: PolicyInput) -> [Int]
    /// dL/dz [N × m], without the terms on the policy itself (`PolicyTerms`).
    func logitGradient(_ input: PolicyInput, _ decision: PolicyDecision, _ outcome: PolicyOutcome) -> [Float]
}

/// The resolutions at which the classifier runs each image. The cases are in ascending order of cost.
public enum ComputedResolutions {
    /// The chosen resolution, forward and backward.
    case chosen
    /// The chosen resolution, and one other (`PolicyDecision.probes`) forward only.
    case chosenAndProbe
    /// The chosen resolution, and all resolutions forward only.
    case chosenAndLosses
    /// All resolutions, forward and backward. The loss of an image is that of the chosen one.
    case all
    /// All resolutions, forward and backward. The loss of an image is the mean over all of them.
    case everyLoss
}

extension PolicyEstimator {
    public func likeliest(_ input: PolicyInput) -> [Int] { Logits.argmax(input.logits, columns: input.columns) }
}

/// The predictor's output for this rank's images. Matrices are [N × m], row-major.
public struct PolicyInput {
    public var logits: [Float]
    public var noise: PolicyNoise
    /// Temperature τ of the Gumbel softmax.
    public var temperature: Float
    /// η C_j / (C_max − C_min), the price of each resolution [m].
    public var penalties: [Float]
    /// m, the number of candidate resolutions.
    public var columns: Int

    /// - Parameter penalties: nil if no resolution has a price.
    public init(logits: [Float], noise: PolicyNoise, temperature: Float, penalties: [Float]? = nil, columns: Int) {
        self.logits = logits
        self.noise = noise
        self.temperature = temperature
        self.penalties = penalties ?? [Float](repeating: 0, count: columns)
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

/// The classifier's results as matrices [N × m]. An element that was not computed is 0.
public struct PolicyOutcome {
    /// ⟨dL/dŷ_i, F_j(X̂_i)⟩, where L is the mean over the global batch and ŷ_i the logits at the chosen resolution.
    public var gateGradients: [Float]
    /// ℓ_ij, the loss of each image at each resolution.
    public var losses: [Float]
    /// dL/dw_ij through the regulariser, for each resolution [m].
    public var costGradient: [Float]
    /// N over all ranks.
    public var globalCount: Int

    /// All elements are 0.
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

    /// A matrix [N × m] with a 1 at the choice of each image.
    func onehot(_ choices: [Int]) -> [Float] {
        var hard = [Float](repeating: 0, count: logits.count)
        for (image, choice) in choices.enumerated() { hard[image * columns + choice] = 1 }
        return hard
    }

    /// The rows of `perResolution` [m] for every image.
    func rows(_ perResolution: [Float]) -> [Float] {
        logits.indices.map { perResolution[$0 % columns] }
    }
}
