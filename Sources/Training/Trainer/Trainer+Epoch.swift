import DynamicResolution
import Foundation
import NeuralNetwork

extension Trainer {
    /// Trains the rest of the current epoch, evaluates, and moves on to the next one.
    func runEpoch(_ plan: StagePlan) throws -> Progress {
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
                result, epochSums: sums, plan: plan, position: state.position, steps: steps,
                seconds: Date().timeIntervalSince(start), waitingSeconds: batches.waitingSeconds,
                writesRecord: state.position.runStep % configuration.metrics.everySteps == 0)
            if result.stopIsAsked { return try stop() }
            // The end of the epoch writes one anyway.
            if state.position.step < steps { try saveCheckpointIfDue() }
        }
        try journal?.recordEpoch(sums, plan: plan, position: state.position)
        try finishEpoch(plan)
        return .running
    }

    private func finishEpoch(_ plan: StagePlan) throws {
        let isLast = state.position.epoch + 1 == plan.epochs
        let isDue = (state.position.epoch + 1) % configuration.evaluation.everyEpochs == 0
        let isBest = isLast || isDue ? try evaluateEpoch(plan) : false
        state.position.epoch += 1
        state.position.runEpoch += 1
        state.position.step = 0
        state.setEpochReport(StepReport(resolutionCount: model.resolutions.count))
        try saveCheckpoint(isBest: isBest)
    }

    /// Writes the checkpoint that a later run continues from.
    private func stop() throws -> Progress {
        try saveCheckpoint(isBest: false)
        try journal?.event("stopped by a signal after step \(state.position.runStep); continue with --resume")
        return .stopped
    }

    private func saveCheckpointIfDue() throws {
        let options = configuration.checkpoints
        let byStep = options.everySteps > 0 && state.position.runStep % options.everySteps == 0
        let byTime = options.everyMinutes > 0
            && Date().timeIntervalSince(lastCheckpointTime) >= options.everyMinutes * 60
        if byStep || byTime { try saveCheckpoint(isBest: false) }
    }

    /// Rank 0 writes; the others go on, since their replicas are the same.
    func saveCheckpoint(isBest: Bool) throws {
        guard communicator.rank == 0 else { return }
        try checkpoints.save(state, isBest: isBest)
        lastCheckpointTime = Date()
    }
}
