import Configuration
import DynamicResolution
import NeuralNetwork

extension Trainer {
    /// Runs one step: computes the gradients of this rank's micro-batches, sums them over the ranks, and updates the weights. A step whose
    /// loss or gradient is not finite changes nothing. Collective.
    ///
    /// - Throws: `DivergenceError` after too many steps without a usable loss. All ranks throw it.
    func runStep(_ plan: StagePlan, _ batches: MicroBatches, steps: Int) throws -> StepResult {
        enterStep(plan)
        let fractionalEpoch = Double(state.position.epoch) + Double(state.position.step) / Double(steps)
        let learningRates = plan.learningRates(at: fractionalEpoch)
        let trained = zip(model.networks.indices, learningRates).compactMap { $1 == nil ? nil : $0 }
        let networks = trained.map { model.networks[$0] }
        for network in networks { network.arena.clearGradients() }
        injectGradientFault(networks)
        if deterministicStep == nil {
            exchange.beginGradients(
                trained.map { (model.networks[$0], trainingStep.progress[$0]) }, bucketBytes: configuration.communication.bucketBytes)
        }
        let (microBatches, globalCounts) = try nextMicroBatches(batches)
        data.record(microBatches, plan, in: &ledger)
        var report = try gradients(plan, microBatches, globalCounts: globalCounts, epoch: fractionalEpoch, trained: trained)
        injectReplicaFault()
        let lossIsFinite = deterministicStep?.lossIsFinite ?? report.lossSum.isFinite
        if deterministicStep == nil { try exchange.reduceGradients(networks) }
        let collectors = trained.map { trainingStep.statistics[$0] }
        let decision = try exchange.agree(
            networks, collectors, momentum: configuration.batchNorm.momentum, &report, stopIsRequested: StopSignals.wasReceived,
            saveIsDue: saveIsDueByTime, context)
        var result = StepResult(
            report: report, learningRates: learningRates, gradientNorm: decision.gradientNorm,
            flopsWeight: plan.usesPredictor ? flopsWeight(at: fractionalEpoch) : nil, stopIsRequested: decision.stopIsRequested,
            saveIsDue: decision.saveIsDue)
        guard decision.isFinite else {
            try skipStep(plan, microBatches, result, lossIsFinite: lossIsFinite)
            result.isSkipped = true
            return result
        }
        try requireSoundLoss(plan, result)
        GradientNorm.clip(networks, norm: decision.gradientNorm, to: configuration.optimizer.clipGradientNorm, context)
        optimizer.step(learningRates: learningRates)
        updateAverages()
        try checkReplicasIfDue(plan)
        if plan.usesPredictor { updatePolicyState(report, at: fractionalEpoch, stepsPerEpoch: steps) }
        return result
    }

    /// Tells the other ranks, and messages, where this rank is. "Step n" is the n-th step of the run everywhere.
    func enterStep(_ plan: StagePlan) {
        communicator.context = "step \(state.position.runStep + 1) (\(plan.name), epoch \(state.position.epoch + 1))"
        communicator.phase = .computing
    }

    /// The micro-batches of this rank in the current step, and the number of images of each over all ranks.
    private func nextMicroBatches(_ batches: MicroBatches) throws -> (own: [MicroBatch], globalCounts: [Int]) {
        let first = state.position.step * configuration.optimizer.accumulationSteps
        let range = first..<min(first + configuration.optimizer.accumulationSteps, batches.count)
        let own = try communicator.during(.loading) {
            try range.map { index in
                guard let batch = try batches.next() else { preconditionFailure("the loader ended before batch \(index)") }
                communicator.reportProgress()
                return batch
            }
        }
        return (own, range.map { batches.globalCount($0) })
    }

    /// Computes this rank's part of the gradient of the global loss; with `deterministic`, the whole gradient.
    ///
    /// - Parameters:
    ///   - globalCounts: the number of images of each micro-batch over all ranks.
    ///   - trained: the indices of the networks that have gradients.
    private func gradients(
        _ plan: StagePlan, _ microBatches: [MicroBatch], globalCounts: [Int], epoch: Double, trained: [Int]
    ) throws -> StepReport {
        let globalCount = globalCounts.reduce(0, +)
        func compute(_ step: TrainingStep, _ microBatches: [MicroBatch]) throws -> StepReport {
            var report: StepReport
            switch plan {
            case .warmUp(let stage):
                report = try step.warmUp(microBatches, globalCount: globalCount, distillation: stage.distillation)
            case .fineTune(let stage):
                report = try step.fineTune(microBatches, globalCount: globalCount, fineTuneOptions(stage, at: epoch))
            case .recalibrate:
                preconditionFailure("recalibration has no gradients")
            }
            injectLossFault(&report)
            return report
        }
        guard let deterministicStep else { return try compute(trainingStep, microBatches) }
        return try deterministicStep.run(
            Array(zip(microBatches, globalCounts)), statistics: trainingStep.statistics, networks: trained, compute)
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

    private func checkReplicasIfDue(_ plan: StagePlan) throws {
        let interval = configuration.communication.replicaCheckSteps
        guard interval > 0, communicator.rankCount > 1, (state.position.runStep + 1) % interval == 0 else { return }
        try exchange.checkReplicas(replicaTensors(withOptimizer: false), step: state.position.runStep + 1)
    }

    /// Everything that all ranks hold alike.
    ///
    /// - Parameter withOptimizer: false leaves out the optimiser's state. Its differences reach the parameters with the next step.
    func replicaTensors(withOptimizer: Bool) -> [ReplicaTensor] {
        let prefixes = ["classifier.", "predictor."]
        let weights = zip(prefixes, model.networks).flatMap { ReplicaTensor.tensors(of: $1, prefix: $0) }
        let average = zip(prefixes, averages?.model.networks ?? []).flatMap { ReplicaTensor.tensors(of: $1, prefix: "average of \($0)") }
        return weights + average + (withOptimizer ? ReplicaTensor.tensors(of: optimizer) : [])
    }
}
