import Evaluation
import DynamicResolution
import NeuralNetwork

extension Trainer {
    /// Evaluates after an epoch: the fixed resolutions in warm-up, the dynamic network after it. Collective.
    ///
    /// - Returns: whether these are the best weights so far.
    func evaluateEpoch(_ plan: StagePlan) throws -> Bool {
        let evaluation = try evaluate(plan.usesPredictor && model.predictor != nil ? .dynamic : .fixed)
        try journal?.record(evaluation, plan: plan, position: state.position)
        let score = score(evaluation)
        // Scores of classifiers and of dynamic networks do not compare: a stage with the predictor starts anew.
        let isBest = state.bestScore == nil || state.bestIsDynamic != plan.usesPredictor || score > state.bestScore!
        if isBest {
            state.bestScore = score
            state.bestIsDynamic = plan.usesPredictor
        }
        return isBest
    }

    /// The whole table, on the final weights. Collective.
    func finalEvaluation() throws -> Evaluation {
        let evaluation = try evaluate(model.predictor == nil ? .fixed : [.dynamic, .fixed])
        try journal?.recordFinal(evaluation, position: state.position)
        return evaluation
    }

    private func evaluate(_ ways: Evaluator.Ways) throws -> Evaluation {
        let evaluator = Evaluator(
            model: FrozenDRNet(model), communicator: communicator, batchSize: configuration.evaluation.batchSize, ways: ways,
            context: context)
        let batches = data.validationBatches()
        defer { batches.stop() }
        let outcome = try evaluator.run {
            try stopIfAsked()
            return try batches.next()
        }
        return Evaluation(
            results: outcome.results, flops: model.flops, classCount: model.classCount, speed: outcome.speed,
            hasPredictor: ways.contains(.dynamic))
    }

    /// Accuracy, less by how far the mean cost exceeds the target (in units of the cost's range); without a predictor, the mean
    /// accuracy of the fixed resolutions.
    private func score(_ evaluation: Evaluation) -> Double {
        guard let dynamic = evaluation.dynamic, let regularizer else {
            return evaluation.rows.filter { $0.name != Evaluation.oracleName }.reduce(0) { $0 + $1.top1 }
                / Double(model.resolutions.count)
        }
        return dynamic.top1 - max(0, regularizer.excess(mean: dynamic.classifierGFLOPs * 1e9))
    }
}
