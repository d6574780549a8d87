/// One of the configured stages, as the trainer runs it.
enum StagePlan {
    case warmUp(TrainingConfiguration.WarmUpStage)
    case fineTune(TrainingConfiguration.FineTuneStage)
    case recalibrate(TrainingConfiguration.RecalibrateStage)

    static func plans(_ stages: TrainingConfiguration.StagesOptions) -> [StagePlan] {
        [stages.warmUp.map(StagePlan.warmUp), stages.fineTune.map(StagePlan.fineTune),
         stages.recalibrate.map(StagePlan.recalibrate)].compactMap { $0 }
    }

    /// The name in the configuration.
    var name: String {
        switch self {
        case .warmUp: return "warmUp"
        case .fineTune: return "fineTune"
        case .recalibrate: return "recalibrate"
        }
    }

    /// Epochs of training; recalibration counts as one.
    var epochs: Int {
        switch self {
        case .warmUp(let stage): return stage.epochs
        case .fineTune(let stage): return stage.epochs
        case .recalibrate: return 1
        }
    }

    /// Whether the predictor takes part.
    var usesPredictor: Bool {
        if case .warmUp = self { return false }
        return true
    }

    /// Learning rates of the classifier and, where it is trained, of the predictor, after a fractional number of epochs.
    func learningRates(at epoch: Double) -> [Double] {
        switch self {
        case .warmUp(let stage):
            return [stage.learningRate(at: epoch)]
        case .fineTune(let stage):
            let rate = stage.learningRate(at: epoch)
            return [rate, rate * stage.predictorLearningRateMultiplier]
        case .recalibrate:
            return []
        }
    }
}
