import DynamicResolution
import Inference

/// A position in a run. The next step is `step` of the epoch `epoch` of the stage `stage`.
public struct TrainingPosition: Codable, Equatable, Sendable {
    /// Index among the configured stages.
    public var stage = 0
    /// Epoch within the stage.
    public var epoch = 0
    /// Step within the epoch.
    public var step = 0
    /// Finished epochs of all stages. It keys the shuffling, the augmentation and the noise.
    public var runEpoch = 0
    /// Finished steps of all stages.
    public var runStep = 0

    public init() {}
}

/// The state of a run besides tensors. Randomness is counter-based, so there is no generator state.
public struct TrainingState: Codable, Equatable, Sendable {
    public var position = TrainingPosition()
    /// The sums of the current epoch. A resumed run continues them, so that the averages cover the whole epoch.
    private var epochSums: [Double] = []
    private var epochPenalty = 0.0
    /// The best score so far, and whether the dynamic network achieved it.
    public var bestScore: Double?
    public var bestIsDynamic = false
    /// Nil before the first step of fine-tuning.
    var policy: PolicyState?
    /// A resumed run must have the same identity.
    public var identity: RunIdentity

    init(identity: RunIdentity) {
        self.identity = identity
    }

    /// The sums of the current epoch; zeros at its beginning.
    func epochReport(resolutionCount: Int) -> StepReport {
        var report = StepReport(resolutionCount: resolutionCount)
        // A different number of sums comes from another version of the project, where they have another meaning.
        guard epochSums.count == report.vector.count else { return report }
        report.vector = epochSums
        report.penaltySum = epochPenalty
        return report
    }

    mutating func setEpochReport(_ report: StepReport) {
        epochSums = report.vector
        epochPenalty = report.penaltySum
    }
}
