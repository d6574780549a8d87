import DynamicResolution
import Evaluation

extension Trainer {
    /// Evaluates after an epoch: the fixed resolutions in warm-up, the dynamic network in later stages. Collective.
    ///
    /// - Parameters:
    ///   - plan: the stage of the epoch.
    ///   - position: in the epoch, for the records.
    /// - Returns: whether the weights are the best so far.
    func evaluateEpoch(_ plan: StagePlan, at position: TrainingPosition) throws -> Bool {
        let evaluation = try evaluate(plan.usesPredictor && model.predictor != nil ? .dynamic : .fixed)
        try journal?.record(evaluation, plan: plan, position: position)
        let score = score(evaluation)
        // Scores with and without the predictor cannot be compared, so the first stage with the predictor starts a new comparison.
        let isBest = state.bestIsDynamic != plan.usesPredictor || state.bestScore.map { score > $0 } ?? true
        if isBest {
            state.bestScore = score
            state.bestIsDynamic = plan.usesPredictor
        }
        return isBest
    }

    /// Evaluates the final weights in all ways. Collective.
    func finalEvaluation() throws -> Evaluation {
        let evaluation = try evaluate(model.predictor == nil ? .fixed : [.dynamic, .fixed])
        try journal?.recordFinal(evaluation, position: state.position)
        return evaluation
    }

    private func evaluate(_ modes: Evaluator.Modes) throws -> Evaluation {
        let evaluator = Evaluator(
            model: FrozenDRNet(model), communicator: communicator, batchSize: configuration.evaluation.batchSize, modes: modes,
            context: context)
        let batches = data.validationBatches()
        defer { batches.stop() }
        let outcome = try evaluator.run {
            try stopIfRequested()
            return try batches.next()
        }
        return Evaluation(
            results: outcome.results, flops: model.flops, classCount: model.classCount, speed: outcome.speed,
            hasPredictor: modes.contains(.dynamic))
    }

    /// With a predictor: the accuracy minus the excess of the mean cost over the target, in units of the range of costs. Without a
    /// predictor: the mean accuracy of the fixed resolutions.
    private func score(_ evaluation: Evaluation) -> Double {
        guard let dynamic = evaluation.dynamic, let regularizer else {
            return evaluation.rows.filter { $0.way != .oracle }.reduce(0) { $0 + $1.top1 }
                / Double(model.resolutions.count)
        }
        return dynamic.top1 - max(0, regularizer.excess(mean: dynamic.classifierGFLOPs * 1e9))
    }
}
