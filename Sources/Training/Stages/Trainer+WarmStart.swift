import DynamicResolution

extension Trainer {
    /// Copies the classifier's first layers into the predictor, before the first step of fine-tuning. A run that is resumed at this
    /// position copies the same values, because the classifier has not changed.
    func warmStartPredictorIfDue(_ plan: StagePlan) throws {
        guard case .fineTune = plan, configuration.predictor.warmStart, state.position.epoch == 0, state.position.step == 0,
            let predictor = model.predictor
        else { return }
        let warmStart = PredictorWarmStart(
            from: model.classifier.tensors, to: predictor.tensors, resolutions: model.resolutions, inputSize: model.predictorInputSize)
        warmStart.copy()
        averages?.restart()
        try journal?.event(warmStart.note)
    }
}
