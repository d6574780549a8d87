import Configuration
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
    /// λ of a decider without an operating point of its own, as the last evaluation calibrated it to `policy.flopsTarget`.
    var costWeight: Double?
    /// Updates of the moving averages since the beginning of the stage; nil if the run has no averages.
    var averageUpdates: Int?
    /// Evaluations since the best one of the stage; nil if nothing counts them.
    private(set) var evaluationsWithoutGain: Int?
    /// Nil in checkpoints of earlier builds.
    private var divergenceMonitor: DivergenceMonitor?
    /// The uses of images in the current epoch, over all ranks, up to this position. Nil in checkpoints of earlier builds.
    private var epochLedger: EpochLedger?
    /// The checksum of the teacher's file. Nil without a teacher.
    var teacher: String?
    /// A resumed run must have the same identity.
    public var identity: RunIdentity
    /// The values of all keys at this position. Nil in checkpoints of earlier builds.
    private(set) var configuration: [String: String]?
    /// Values of keys that held earlier, oldest first.
    private(set) var configurationChanges: [ContinuedConfiguration.Change]?
    /// The last epoch is trained and not evaluated yet. `position` is at the next epoch, and the sums are those of the last one.
    private(set) var pendingEvaluation: Bool?

    init(identity: RunIdentity) {
        self.identity = identity
    }

    /// The state at the beginning of a run.
    init(identity: RunIdentity, configuration: TrainingConfiguration) {
        self.identity = identity
        self.configuration = configuration.values
    }

    /// Counts steps whose loss is not usable.
    var divergence: DivergenceMonitor {
        get { divergenceMonitor ?? DivergenceMonitor() }
        set { divergenceMonitor = newValue }
    }

    /// The uses of images in the current epoch, over all ranks, up to the last checkpoint.
    var ledger: EpochLedger {
        get { epochLedger ?? .unknown }
        set { epochLedger = newValue }
    }

    /// Begins the ledger of a run whose state has none. An epoch that an earlier build began cannot be checked.
    mutating func beginLedger() {
        if epochLedger == nil { epochLedger = position.step == 0 ? EpochLedger() : .unknown }
    }

    /// Whether the last epoch is still to be evaluated.
    var isEvaluationPending: Bool {
        get { pendingEvaluation ?? false }
        set { pendingEvaluation = newValue ? true : nil }
    }

    /// Whether a stage ends before its last epoch, because its evaluations no longer get better.
    ///
    /// - Parameter patience: the number of evaluations that the stage waits for; 0: no limit.
    func hasStagnated(patience: Int) -> Bool { patience > 0 && evaluationsWithoutGain ?? 0 >= patience }

    /// Whether the stage of the position ends before its last epoch.
    func hasStagnated(in plans: [StagePlan]) -> Bool {
        position.stage < plans.count && hasStagnated(patience: plans[position.stage].patience)
    }

    /// Counts an evaluation. Without patience, nothing is counted.
    mutating func countEvaluation(isBest: Bool, patience: Int) {
        evaluationsWithoutGain = patience == 0 ? nil : isBest ? 0 : (evaluationsWithoutGain ?? 0) + 1
    }

    /// Moves the position to the beginning of the next stage.
    mutating func beginNextStage() {
        position.stage += 1
        position.epoch = 0
        evaluationsWithoutGain = nil
    }

    /// Compares a configuration with that of the run so far, and continues with it.
    ///
    /// - Parameters:
    ///   - new: the configuration of this start.
    ///   - folder: the run folder, for messages.
    ///   - note: receives sentences about keys whose values change.
    /// - Throws: `ContinuationError` if a key cannot change any more.
    mutating func replaceConfiguration(_ new: TrainingConfiguration, folder: String, note: (String) -> Void) throws {
        guard let old = configuration else {
            configuration = new.values
            return
        }
        let continued = try ContinuedConfiguration(
            new, replacing: old, at: position, stagnates: hasStagnated(in: StagePlan.plans(new.stages)), folder: folder)
        continued.notes.forEach(note)
        configuration = continued.values
        if !continued.changes.isEmpty { configurationChanges = (configurationChanges ?? []) + continued.changes }
    }

    /// The text of config.yaml: the values that the run has at this position, after comments with earlier values.
    package func yaml(_ configuration: TrainingConfiguration) -> String {
        configuration.yaml(replacing: self.configuration ?? [:], comments: (configurationChanges ?? []).map(\.comment))
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
