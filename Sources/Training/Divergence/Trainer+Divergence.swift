import DynamicResolution
import NeuralNetwork

extension Trainer {
    /// Records a step whose loss or gradient is not finite. It changed neither weights nor statistics. Collective.
    ///
    /// - Throws: `DivergenceError` after more such steps in a row than `divergence.skippedSteps`.
    func skipStep(_ plan: StagePlan, _ batches: [MicroBatch], _ result: StepResult, lossIsFinite: Bool) throws {
        state.divergence.skip(after: state.position.runStep)
        let part = StepFault.Part(
            host: communicator.hostName, lossIsFinite: lossIsFinite,
            files: data.paths(of: batches, plan, limit: StepFault.longestList), images: batches.reduce(0) { $0 + $1.labels.count })
        let fault = try StepFault.gather(
            part, loss: result.report.meanCrossEntropy, gradientNorm: result.gradientNorm, communicator)
        let count = state.divergence.skippedSteps
        guard count <= configuration.divergence.skippedSteps else {
            throw divergence(.notFinite(steps: count, fault: fault), plan, result)
        }
        var position = state.position
        position.runStep += 1
        try journal?.warn("step \(position.runStep) changes nothing, because \(fault)", plan: plan, position: position)
    }

    /// Counts a step with a finite loss.
    ///
    /// - Throws: `DivergenceError` if the loss exploded, in `divergence.explodedSteps` steps in a row.
    func requireSoundLoss(_ plan: StagePlan, _ result: StepResult) throws {
        let options = configuration.divergence
        let loss = result.report.meanCrossEntropy
        let limit = state.divergence.limit(guess: guessingLoss, factor: options.lossFactor)
        state.divergence.add(loss: loss, after: state.position.runStep, guess: guessingLoss, factor: options.lossFactor)
        let count = state.divergence.explodedSteps
        guard count > 0, count >= options.explodedSteps else { return }
        throw divergence(.exploded(steps: count, loss: loss, limit: limit), plan, result)
    }

    private func divergence(_ kind: DivergenceError.Kind, _ plan: StagePlan, _ result: StepResult) -> DivergenceError {
        let since = state.divergence.doubtfulSince ?? state.position.runStep
        let sound = communicator.rank == 0 ? try? checkpoints.settledStore().newestValid(before: since) : nil
        return DivergenceError(
            kind: kind, stage: plan.name, epoch: state.position.epoch + 1, step: state.position.runStep + 1,
            learningRates: result.learningRates.compactMap { $0 }, soundCheckpoint: sound?.step)
    }

    /// Does what DRNET_TEST_FAULT says about the gradient of the current step. The backward pass adds to it, and sums it over the ranks.
    func injectGradientFault(_ networks: [Network]) {
        guard TestFault.isDue(.gradient, rank: communicator.rank, step: state.position.runStep + 1) else { return }
        networks.first?.arena.gradients[0] = .nan
    }

    /// Does what DRNET_TEST_FAULT says about the loss of this rank's images in the current step.
    func injectLossFault(_ report: inout StepReport) {
        guard TestFault.isDue(.loss, rank: communicator.rank, step: state.position.runStep + 1) else { return }
        report.lossSum = .nan
    }

    /// Does what DRNET_TEST_FAULT says about the replica after the step before, after the last comparison of the replicas.
    func injectReplicaFault() {
        guard TestFault.isDue(.replica, rank: communicator.rank, step: state.position.runStep) else { return }
        let values = model.classifier.arena.values
        values[0] = Float(bitPattern: values[0].bitPattern ^ 1)
    }
}
