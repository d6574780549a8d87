import Configuration

/// A configured stage, as the trainer runs it.
enum StagePlan {
    case warmUp(TrainingConfiguration.WarmUpStage)
    case fineTune(TrainingConfiguration.FineTuneStage)
    case recalibrate(TrainingConfiguration.RecalibrateStage)

    /// The configured stages, in their order.
    static func plans(_ stages: TrainingConfiguration.StagesOptions) -> [StagePlan] {
        [
            stages.warmUp.map(StagePlan.warmUp), stages.fineTune.map(StagePlan.fineTune),
            stages.recalibrate.map(StagePlan.recalibrate),
        ].compactMap { $0 }
    }

    /// The stage's key in the configuration.
    var name: String {
        switch self {
        case .warmUp: return "warmUp"
        case .fineTune: return "fineTune"
        case .recalibrate: return "recalibrate"
        }
    }

    /// Number of epochs; recalibration has one.
    var epochs: Int {
        switch self {
        case .warmUp(let stage): return stage.epochs
        case .fineTune(let stage): return stage.epochs
        case .recalibrate: return 1
        }
    }

    /// Evaluations without a better score after which the stage ends; 0: the stage has all its epochs.
    var patience: Int {
        switch self {
        case .warmUp(let stage): return stage.patience
        case .fineTune(let stage): return stage.patience
        case .recalibrate: return 0
        }
    }

    /// Whether the stage estimates statistics only. It has no steps with gradients.
    var isRecalibration: Bool {
        if case .recalibrate = self { return true }
        return false
    }

    /// Whether the stage trains what chooses resolutions.
    var trainsDecider: Bool {
        if case .fineTune = self { return true }
        return false
    }

    /// Whether the stage uses the predictor.
    var usesPredictor: Bool {
        if case .warmUp = self { return false }
        return true
    }

    /// Whether the stage distils knowledge between resolutions.
    var distills: Bool {
        if case .warmUp(let stage) = self { return stage.distillation != nil }
        return false
    }

    /// Learning rates of the classifier and, in fine-tuning, of the predictor, after a fractional number of epochs; nil for a frozen
    /// network.
    func learningRates(at epoch: Double) -> [Double?] {
        switch self {
        case .warmUp(let stage):
            return [stage.learningRate(at: epoch)]
        case .fineTune(let stage):
            let rate = stage.learningRate(at: epoch)
            return [
                stage.freeze == .classifier ? nil : rate,
                stage.freeze == .predictor ? nil : rate * stage.predictorLearningRateMultiplier,
            ]
        case .recalibrate:
            return []
        }
    }
}
