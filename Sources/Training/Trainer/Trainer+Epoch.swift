import DynamicResolution
import Foundation

extension Trainer {
    /// Trains the rest of the current epoch, evaluates, and advances to the next epoch. Collective.
    func runEpoch(_ plan: StagePlan) throws {
        let accumulation = configuration.optimizer.accumulationSteps
        let batches = data.trainingBatches(
            runEpoch: state.position.runEpoch, firstBatch: state.position.step * accumulation)
        defer { batches.stop() }
        let steps = data.stepsPerEpoch()
        var sums = state.epochReport(resolutionCount: model.resolutions.count)
        while state.position.step < steps {
            let start = Date()
            let result = try runStep(plan, batches, steps: steps)
            sums.add(result.report)
            state.setEpochReport(sums)
            state.position.step += 1
            state.position.runStep += 1
            try journal?.record(
                StepEvent(
                    result: result, plan: plan, position: state.position, stepsPerEpoch: steps, epochSums: sums, policy: state.policy,
                    seconds: Date().timeIntervalSince(start), waitingSeconds: batches.waitingSeconds))
            try warnOfCollapse(plan, at: Double(state.position.epoch) + Double(state.position.step) / Double(steps))
            if result.stopIsRequested { throw StopRequest() }
            // `finishEpoch` writes the checkpoint after the last step.
            if state.position.step < steps { try saveCheckpointIfDue() }
        }
        try finishEpoch(plan, sums)
    }

    private func finishEpoch(_ plan: StagePlan, _ sums: StepReport) throws {
        journal?.finishLine()
        let isLast = state.position.epoch + 1 == plan.epochs
        let isDue = (state.position.epoch + 1) % configuration.evaluation.everyEpochs == 0
        let isBest = isLast || isDue ? try evaluateEpoch(plan) : false
        // A signal can end the evaluation. The resumed run then repeats it, so the record of the epoch comes after it.
        try journal?.recordEpoch(sums, plan: plan, position: state.position)
        state.position.epoch += 1
        state.position.runEpoch += 1
        state.position.step = 0
        state.setEpochReport(StepReport(resolutionCount: model.resolutions.count))
        try saveCheckpoint(isBest: isBest)
    }

    private func saveCheckpointIfDue() throws {
        let options = configuration.checkpoints
        let byStep = options.everySteps > 0 && state.position.runStep % options.everySteps == 0
        let byTime =
            options.everyMinutes > 0
            && Date().timeIntervalSince(lastCheckpointTime) >= options.everyMinutes * 60
        if byStep || byTime { try saveCheckpoint(isBest: false) }
    }

    /// Writes a checkpoint on rank 0. The other ranks hold the same values and continue at once.
    func saveCheckpoint(isBest: Bool) throws {
        guard communicator.rank == 0 else { return }
        try checkpoints.save(state, isBest: isBest)
        lastCheckpointTime = Date()
        savedStep = state.position.runStep
    }
}
