import DynamicResolution
import Foundation
import NeuralNetwork

extension Trainer {
    /// Trains the rest of the current epoch, evaluates, and moves on to the next one.
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
                result, epochSums: sums, policy: state.policy, plan: plan, position: state.position, steps: steps,
                seconds: Date().timeIntervalSince(start), waitingSeconds: batches.waitingSeconds,
                writesRecord: state.position.runStep % configuration.metrics.everySteps == 0)
            try warnOfCollapse(plan, at: Double(state.position.epoch) + Double(state.position.step) / Double(steps))
            if result.stopIsAsked { throw StopRequest() }
            // The end of the epoch writes one anyway.
            if state.position.step < steps { try saveCheckpointIfDue() }
        }
        try finishEpoch(plan, sums)
    }

    private func finishEpoch(_ plan: StagePlan, _ sums: StepReport) throws {
        journal?.finishLine()
        let isLast = state.position.epoch + 1 == plan.epochs
        let isDue = (state.position.epoch + 1) % configuration.evaluation.everyEpochs == 0
        let isBest = isLast || isDue ? try evaluateEpoch(plan) : false
        // After the evaluation, which a signal may end: it comes again then, and the record would too.
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

    /// Rank 0 writes; the others go on, since their replicas are the same.
    func saveCheckpoint(isBest: Bool) throws {
        guard communicator.rank == 0 else { return }
        try checkpoints.save(state, isBest: isBest)
        lastCheckpointTime = Date()
        savedStep = state.position.runStep
    }
}
