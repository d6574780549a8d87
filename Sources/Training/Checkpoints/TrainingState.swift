import Inference
import DynamicResolution
import Foundation

/// Where a run stands: what comes next is the step `step` of the epoch `epoch` of the stage `stage`.
public struct TrainingPosition: Codable, Equatable, Sendable {
    /// Index among the configured stages.
    public var stage = 0
    /// Epoch within the stage.
    public var epoch = 0
    /// Step within the epoch.
    public var step = 0
    /// Epochs since the run began, over all stages; it keys the shuffling, the augmentation and the noise.
    public var runEpoch = 0
    /// Steps since the run began, over all stages.
    public var runStep = 0

    public init() {}
}

/// What a checkpoint keeps besides tensors. Randomness is counter-based: there is no generator state.
public struct TrainingState: Codable, Equatable, Sendable {
    public var position = TrainingPosition()
    /// The sums of the epoch that is under way, so that its averages are those of the whole epoch.
    private var epochSums: [Double] = []
    private var epochPenalty = 0.0
    /// The best evaluation's score so far, and whether it was one of the dynamic network.
    public var bestScore: Double?
    public var bestIsDynamic = false
    /// From fine-tuning's first step on.
    var policy: PolicyState?
    /// What the run depends on; a resumed run must have the same.
    public var identity: RunIdentity

    init(identity: RunIdentity) {
        self.identity = identity
    }

    func epochReport(resolutionCount: Int) -> StepReport {
        var report = StepReport(resolutionCount: resolutionCount)
        // Another version's sums mean something else.
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
