import DynamicResolution

extension Trainer {
    /// Before the first step of fine-tuning. The same again where a run is continued from there: the classifier has not changed.
    func warmStartPredictorIfDue(_ plan: StagePlan) throws {
        guard case .fineTune = plan, configuration.predictor.warmStart, state.position.epoch == 0, state.position.step == 0,
            let predictor = model.predictor
        else { return }
        let warmStart = PredictorWarmStart(
            from: model.classifier.tensors, to: predictor.tensors, resolutions: model.resolutions, inputSize: model.predictorInputSize)
        warmStart.copy()
        try journal?.event(warmStart.note)
    }
}
