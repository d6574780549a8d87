import Configuration
import DynamicResolution
import NeuralNetwork

extension Trainer {
    /// Runs one step: computes the gradients of this rank's micro-batches, sums them over the ranks, and updates the weights. Collective.
    ///
    /// - Throws: `DivergenceError` if the loss or a gradient is not finite. All ranks throw it.
    func runStep(_ plan: StagePlan, _ batches: MicroBatches, steps: Int) throws -> StepResult {
        enterStep(plan)
        let fractionalEpoch = Double(state.position.epoch) + Double(state.position.step) / Double(steps)
        let learningRates = plan.learningRates(at: fractionalEpoch)
        let networks: [Network] = zip(model.networks, learningRates).compactMap { $1 == nil ? nil : $0 }

        for network in networks { network.arena.clearGradients() }
        let trained = model.networks.indices.filter { $0 < learningRates.count && learningRates[$0] != nil }
        if deterministicStep == nil {
            exchange.beginGradients(
                trained.map { (model.networks[$0], trainingStep.progress[$0]) }, bucketBytes: configuration.communication.bucketBytes)
        }
        var report = try gradients(plan, batches, epoch: fractionalEpoch, trained: trained)
        if deterministicStep == nil { try exchange.reduceGradients(networks) }
        let collectors = zip(trainingStep.statistics, learningRates).compactMap { $1 == nil ? nil : $0 }
        let decision = try exchange.agree(
            networks, collectors, momentum: configuration.batchNorm.momentum, &report, stopIsRequested: StopSignals.wasReceived, context)

        guard decision.isFinite else {
            throw DivergenceError(
                stage: plan.name, epoch: state.position.epoch + 1, step: state.position.runStep + 1,
                loss: report.meanLoss, gradientNorm: decision.gradientNorm, learningRates: learningRates.compactMap { $0 })
        }
        GradientNorm.clip(networks, norm: decision.gradientNorm, to: configuration.optimizer.clipGradientNorm, context)
        optimizer.step(learningRates: learningRates)
        updateAverages()
        try checkReplicasIfDue(plan.usesPredictor ? model.networks : [model.classifier])
        let flopsWeight = plan.usesPredictor ? self.flopsWeight(at: fractionalEpoch) : nil
        if plan.usesPredictor { updatePolicyState(report, at: fractionalEpoch, stepsPerEpoch: steps) }
        return StepResult(
            report: report, learningRates: learningRates, gradientNorm: decision.gradientNorm, flopsWeight: flopsWeight,
            stopIsRequested: decision.stopIsRequested)
    }

    /// Tells the other ranks, and messages, where this rank is. "Step n" is the n-th step of the run everywhere.
    func enterStep(_ plan: StagePlan) {
        communicator.context = "step \(state.position.runStep + 1) (\(plan.name), epoch \(state.position.epoch + 1))"
        communicator.phase = .computing
    }

    /// Computes this rank's part of the gradient of the global loss; with `deterministic`, the whole gradient.
    ///
    /// - Parameter trained: the indices of the networks that have gradients.
    private func gradients(_ plan: StagePlan, _ batches: MicroBatches, epoch: Double, trained: [Int]) throws -> StepReport {
        let first = state.position.step * configuration.optimizer.accumulationSteps
        let range = first..<min(first + configuration.optimizer.accumulationSteps, batches.count)
        let microBatches = try communicator.during(.loading) {
            try range.map { index in
                guard let batch = try batches.next() else { preconditionFailure("the loader ended before batch \(index)") }
                communicator.reportProgress()
                return batch
            }
        }
        let globalCount = range.reduce(0) { $0 + batches.globalCount($1) }
        func compute(_ step: TrainingStep, _ microBatches: [MicroBatch]) throws -> StepReport {
            switch plan {
            case .warmUp(let stage):
                return try step.warmUp(microBatches, globalCount: globalCount, distillation: stage.distillation)
            case .fineTune(let stage):
                return try step.fineTune(microBatches, globalCount: globalCount, fineTuneOptions(stage, at: epoch))
            case .recalibrate:
                preconditionFailure("recalibration has no gradients")
            }
        }
        guard let deterministicStep else { return try compute(trainingStep, microBatches) }
        return try deterministicStep.run(
            zip(microBatches, range).map { ($0, batches.globalCount($1)) }, statistics: trainingStep.statistics, networks: trained, compute)
    }

    /// - Parameter epoch: fractional, within the stage.
    private func fineTuneOptions(_ stage: TrainingConfiguration.FineTuneStage, at epoch: Double) -> FineTuneOptions {
        guard var regularizer else { preconditionFailure("fine-tuning without a predictor") }
        regularizer.weight = flopsWeight(at: epoch)
        let (seed, runEpoch, columns) = (configuration.seed, state.position.runEpoch, model.resolutions.count)
        return FineTuneOptions(
            estimator: configuration.policy.estimator.makeEstimator(), regularizer: regularizer,
            policyTerms: configuration.policy.terms,
            temperature: Float(configuration.policy.temperature(progress: epoch / Double(stage.epochs))),
            batchNormImages: configuration.policy.batchNormImages, frozen: stage.freeze,
            noise: { PolicyNoise(seed: seed, epoch: runEpoch, sampleIndices: $0.sampleIndices, columns: columns) })
    }

    private func checkReplicasIfDue(_ networks: [Network]) throws {
        let interval = configuration.communication.replicaCheckSteps
        guard interval > 0, communicator.rankCount > 1, (state.position.runStep + 1) % interval == 0 else { return }
        try exchange.checkReplicas(withAverages(networks))
    }
}
