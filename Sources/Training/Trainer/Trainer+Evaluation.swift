import Configuration
import DynamicResolution
import Evaluation
import Inference
import Kernels

extension Trainer {
    /// Evaluates after an epoch: the fixed resolutions in warm-up, the dynamic network in later stages. Collective.
    ///
    /// - Parameters:
    ///   - plan: the stage of the epoch.
    ///   - position: in the epoch, for the records.
    /// - Returns: whether the weights are the best so far.
    func evaluateEpoch(_ plan: StagePlan, at position: TrainingPosition) throws -> Bool {
        let isDynamic = usesDecider(plan)
        let (evaluation, results) = try evaluate(isDynamic ? .dynamic : .fixed)
        if isDynamic { journal?.show(results, of: data.folder.validation, isFinal: false, step: position.runStep) }
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
        // The evaluation of the last epoch has calibrated λ to these weights.
        let hasDecider = model.decider != nil
        let outcome = try runEvaluator(hasDecider ? [.dynamic, .policy] : .fixed)
        var evaluation = Evaluation(
            results: outcome.results, flops: model.flops, classCount: model.classCount, speed: outcome.speed, hasDecider: hasDecider,
            milliseconds: model.costUnit == .milliseconds ? model.costs : nil)
        if hasDecider { evaluation.addPoints(outcome.results, decider: model.decider, weighed: model.costs) }
        if hasDecider { journal?.show(outcome.results, of: data.folder.validation, isFinal: true, step: state.position.runStep) }
        try journal?.recordFinal(evaluation, position: state.position)
        try recommend(outcome)
        return evaluation
    }

    /// Recommends a way to deploy the final weights, and writes deployment.json. On rank 0; does nothing on other ranks.
    private func recommend(_ outcome: Evaluator.Outcome) throws {
        guard journal != nil, !outcome.results.isEmpty, let checkpoint = try checkpoints.settledStore().newestValid(report: { _ in }) else {
            return
        }
        let conditions = CostTable.Conditions(
            batchSize: configuration.evaluation.batchSize, threads: context.threads.count, processor: ProcessorName.current)
        let recommendation = try Recommendation(
            outcome, model: FrozenDRNet(model), measured: conditions, table: configuration.policy.costTable, budget: nil)
        let deployment = try Deployment(
            recommendation, run: runFolder, file: runFolder.deployment, checkpoint, configuration, classes: data.folder.classes)
        try deployment.write(to: runFolder.deployment)
        self.recommendation = recommendation.summary
    }

    /// Whether the evaluation after a stage uses the decider. One without a network needs no training.
    private func usesDecider(_ plan: StagePlan) -> Bool {
        guard let decider = model.decider else { return false }
        return plan.usesPredictor || !decider.hasNetwork
    }

    private func evaluate(_ modes: Evaluator.Modes) throws -> (evaluation: Evaluation, results: [ImageResult]) {
        let needsCostWeight = modes.contains(.dynamic) && model.needsCostWeight
        let outcome = try runEvaluator(needsCostWeight ? .policy : modes)
        var results = outcome.results
        if needsCostWeight, let regularizer {
            // Uses the costs of the choices, and no label.
            let costWeight = results.costWeight(meanChoice: regularizer.target, model.costs)
            state.costWeight = costWeight
            results = results.routed(costWeight, model.costs)
        }
        let evaluation = Evaluation(
            results: results, flops: model.flops, classCount: model.classCount, speed: outcome.speed,
            hasDecider: modes.contains(.dynamic), milliseconds: model.costUnit == .milliseconds ? model.costs : nil)
        return (evaluation, results)
    }

    private func runEvaluator(_ modes: Evaluator.Modes) throws -> Evaluator.Outcome {
        let evaluator = Evaluator(
            model: FrozenDRNet(evaluatedModel), communicator: communicator, batchSize: configuration.evaluation.batchSize, modes: modes,
            costWeight: state.costWeight ?? 0, context: context)
        // Memory of the steps before, which the evaluation does not need, and the other way round.
        context.buffers.release()
        let batches = data.validationBatches()
        defer {
            batches.stop()
            context.buffers.release()
        }
        communicator.context = "the evaluation after step \(state.position.runStep)"
        return try communicator.during(.evaluating) {
            try evaluator.run {
                try stopIfRequested()
                return try batches.next()
            }
        }
    }

    /// With a predictor: the accuracy minus the excess of the mean cost over the target, in units of the range of costs. Without a
    /// predictor: the mean accuracy of the fixed resolutions.
    private func score(_ evaluation: Evaluation) -> Double {
        guard let dynamic = evaluation.dynamic, let regularizer else {
            return evaluation.rows.filter { $0.way != .oracle }.reduce(0) { $0 + $1.top1 }
                / Double(model.resolutions.count)
        }
        let cost =
            model.costUnit == .milliseconds
            ? model.costs.mean(shares: dynamic.shares) - model.costs.predictor : dynamic.classifierGFLOPs * 1e9
        return dynamic.top1 - max(0, regularizer.excess(mean: cost))
    }
}
