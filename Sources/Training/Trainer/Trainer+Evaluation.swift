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
        let isDynamic = usesDecider(plan)
        let evaluation = try evaluate(isDynamic ? .dynamic : .fixed)
        try journal?.record(evaluation, plan: plan, position: position)
        let score = score(evaluation)
        // Scores with and without a decider cannot be compared, so the first stage with one starts a new comparison.
        let isBest = state.bestIsDynamic != isDynamic || state.bestScore.map { score > $0 } ?? true
        if isBest {
            state.bestScore = score
            state.bestIsDynamic = isDynamic
        }
        return isBest
    }

    /// Evaluates the final weights in all ways. Collective.
    func finalEvaluation() throws -> Evaluation {
        guard model.decider != nil else {
            let evaluation = try evaluate(.fixed)
            try journal?.recordFinal(evaluation, position: state.position)
            return evaluation
        }
        // The evaluation of the last epoch has calibrated λ to these weights.
        let outcome = try runEvaluator([.dynamic, .policy])
        var evaluation = Evaluation(
            results: outcome.results, flops: model.flops, classCount: model.classCount, speed: outcome.speed, hasDecider: true)
        evaluation.addPoints(outcome.results, flops: model.flops, decider: model.decider, weighed: model.costs)
        try journal?.recordFinal(evaluation, position: state.position)
        return evaluation
    }

    /// Whether the evaluation after a stage uses the decider. One without a network needs no training.
    private func usesDecider(_ plan: StagePlan) -> Bool {
        guard let decider = model.decider else { return false }
        return plan.usesPredictor || !decider.hasNetwork
    }

    private func evaluate(_ modes: Evaluator.Modes) throws -> Evaluation {
        let needsCostWeight = modes.contains(.dynamic) && model.needsCostWeight
        let outcome = try runEvaluator(needsCostWeight ? .policy : modes)
        var results = outcome.results
        if needsCostWeight, let regularizer {
            if model.decider == .cascade(.threshold) {
                model.residualDoubt = results.residualDoubt
                state.residualDoubt = model.residualDoubt
                results = results.withScores(model.residualDoubt)
            }
            // Uses the costs of the choices, and no label.
            let costWeight = results.costWeight(meanChoice: regularizer.target, model.costs)
            state.costWeight = costWeight
            results = results.routed(costWeight, model.costs)
        }
        return Evaluation(
            results: results, flops: model.flops, classCount: model.classCount, speed: outcome.speed,
            hasDecider: modes.contains(.dynamic))
    }

    private func runEvaluator(_ modes: Evaluator.Modes) throws -> Evaluator.Outcome {
        let evaluator = Evaluator(
            model: FrozenDRNet(evaluatedModel), communicator: communicator, batchSize: configuration.evaluation.batchSize, modes: modes,
            costWeight: state.costWeight ?? 0, context: context)
        let batches = data.validationBatches()
        defer { batches.stop() }
        return try evaluator.run {
            try stopIfRequested()
            return try batches.next()
        }
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
