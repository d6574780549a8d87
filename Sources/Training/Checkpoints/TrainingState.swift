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

/// What must not change between a run and its continuation.
public struct RunIdentity: Codable, Equatable, Sendable {
    public var seed: UInt64
    public var resolutions: [Int]
    public var classes: [String]
    public var trainingImages: Int
    /// A checksum of the names of all images, after `checksumPrefix`.
    public var imageNames: String
    public var batchSize: Int
    public var accumulationSteps: Int
    public var stages: [String]

    /// Names the kind of checksum. Checkpoints of earlier builds have another kind, without a prefix.
    static let checksumPrefix = "crc32:"

    /// Differences to the identity of a checkpoint, in words.
    func differences(from saved: RunIdentity) -> [String] {
        var differences: [String] = []
        func compare<Value: Equatable>(_ name: String, _ value: Value, _ old: Value) {
            if value != old { differences.append("\(name) is \(value), was \(old)") }
        }
        compare("seed", seed, saved.seed)
        compare("resolutions", resolutions, saved.resolutions)
        compare("the list of classes", classes, saved.classes)
        compare("the number of training images", trainingImages, saved.trainingImages)
        let isComparable = imageNames.hasPrefix(Self.checksumPrefix) == saved.imageNames.hasPrefix(Self.checksumPrefix)
        if trainingImages == saved.trainingImages && isComparable {
            compare("the checksum of the images' names", imageNames, saved.imageNames)
        }
        compare("optimizer.batchSize", batchSize, saved.batchSize)
        compare("optimizer.accumulationSteps", accumulationSteps, saved.accumulationSteps)
        compare("the list of stages", stages, saved.stages)
        return differences
    }
}
