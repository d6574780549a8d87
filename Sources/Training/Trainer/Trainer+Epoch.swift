import DynamicResolution
import Foundation

extension Trainer {
    /// Trains the rest of the current epoch, evaluates, and advances to the next epoch. Collective.
    func runEpoch(_ plan: StagePlan) throws {
        let accumulation = configuration.optimizer.accumulationSteps
        let batches = data.trainingBatches(
            plan, runEpoch: state.position.runEpoch, firstBatch: state.position.step * accumulation)
        defer { batches.stop() }
        let steps = data.stepsPerEpoch(plan)
        var sums = state.epochReport(resolutionCount: model.resolutions.count)
        exchange.clock.run()
        defer { exchange.clock.stop() }
        while state.position.step < steps {
            try lock?.requireHeldQuickly()
            try checkpoints.throwFailure()
            let (start, waited) = (Date(), batches.waitingSeconds)
            let result = try runStep(plan, batches, steps: steps)
            if !result.isSkipped { sums.add(result.report) }
            state.setEpochReport(sums)
            state.position.step += 1
            state.position.runStep += 1
            exchange.clock.addLoading(batches.waitingSeconds - waited)
            let times = state.position.runStep % configuration.metrics.everySteps == 0 ? try settleTimes() : nil
            if !result.isSkipped {
                try journal?.record(
                    StepEvent(
                        result: result, plan: plan, position: state.position, stepsPerEpoch: steps, epochSums: sums, policy: state.policy,
                        seconds: Date().timeIntervalSince(start), waitingSeconds: batches.waitingSeconds, times: times))
            }
            try warnOfCollapse(plan, at: Double(state.position.epoch) + Double(state.position.step) / Double(steps))
            if result.stopIsRequested { throw StopRequest() }
            // `finishEpoch` writes the checkpoint after the last step.
            if state.position.step < steps && isSaveDue(result) { try saveCheckpoint() }
        }
        try finishEpoch(plan)
    }

    /// Writes the epoch's checkpoint, then evaluates. An evaluation that fails, for example at a damaged image, loses no training.
    private func finishEpoch(_ plan: StagePlan) throws {
        journal?.finishLine()
        try agreeOnReplicas()
        try closeLedger(plan)
        let isLast = state.position.epoch + 1 == plan.epochs
        let isDue = (state.position.epoch + 1) % configuration.evaluation.everyEpochs == 0
        if !isLast && !isDue {
            try settleTimes()
            try recordEpoch(plan)
        }
        state.isEvaluationPending = isLast || isDue
        state.position.epoch += 1
        state.position.runEpoch += 1
        state.position.step = 0
        try writeCheckpoint()
        try settleTimes()
        exchange.clock.stop()
        try evaluateIfPending(plan)
    }

    /// Checks and records that the epoch used each image of its list exactly once. All ranks have the ledger's sums.
    private func closeLedger(_ plan: StagePlan) throws {
        let expected = data.expectedLedger(plan, runEpoch: state.position.runEpoch)
        try state.ledger.require(expected, stage: plan.name, epoch: state.position.epoch + 1)
        try journal?.record(state.ledger, expected: expected, plan: plan, position: state.position)
        state.ledger = EpochLedger()
    }

    /// Evaluates the last epoch, unless that is done. Then completes the epoch's checkpoint. Collective.
    ///
    /// A signal can end the evaluation. The resumed run then repeats it, so the records of the epoch come after it.
    func evaluateIfPending(_ plan: StagePlan) throws {
        guard state.isEvaluationPending else { return }
        var position = state.position
        position.epoch -= 1
        let isBest = try evaluateEpoch(plan, at: position)
        state.countEvaluation(isBest: isBest, patience: plan.patience)
        if !plan.isRecalibration { try recordEpoch(plan, at: position) }
        state.isEvaluationPending = false
        try saveEvaluation(isBest: isBest)
    }

    /// Records the sums of an epoch, and clears them.
    private func recordEpoch(_ plan: StagePlan, at position: TrainingPosition? = nil) throws {
        let count = model.resolutions.count
        try journal?.recordEpoch(
            state.epochReport(resolutionCount: count), times: times.takeEpoch(), plan: plan, position: position ?? state.position)
        state.setEpochReport(StepReport(resolutionCount: count))
    }

    private func isSaveDue(_ result: StepResult) -> Bool {
        let interval = configuration.checkpoints.everySteps
        return result.saveIsDue || interval > 0 && state.position.runStep % interval == 0
    }

    /// Whether `checkpoints.everyMinutes` have passed since the last checkpoint. The clock of rank 0 decides for all ranks
    /// (`StepDecision`).
    var saveIsDueByTime: Bool {
        let minutes = configuration.checkpoints.everyMinutes
        return minutes > 0 && Date().timeIntervalSince(lastCheckpointTime) >= minutes * 60
    }

    /// Compares the replicas, then writes a checkpoint on rank 0. The other ranks hold the same values and continue at once. Collective.
    func saveCheckpoint() throws {
        try agreeOnReplicas()
        try writeCheckpoint()
    }

    /// Compares the replicas of all ranks, and sums their ledgers. What a checkpoint contains is then what all ranks hold. Collective.
    ///
    /// - Throws: `ReplicaError` on all ranks.
    private func agreeOnReplicas() throws {
        let all = try exchange.checkReplicas(
            replicaTensors(withOptimizer: true), step: state.position.runStep, gathering: [UInt64(ledger.images), ledger.digest])
        for part in all { state.ledger.add(images: Int(part[0]), digest: part[1]) }
        ledger = EpochLedger()
    }

    private func writeCheckpoint() throws {
        savedStep = state.position.runStep
        guard communicator.rank == 0 else { return }
        try communicator.during(.saving) {
            try lock?.requireHeld()
            try exchange.clock.save { try checkpoints.save(state, progress: communicator.reportProgress) }
        }
        lastCheckpointTime = Date()
    }

    /// Completes the checkpoint of an epoch with the result of its evaluation. On rank 0.
    private func saveEvaluation(isBest: Bool) throws {
        guard communicator.rank == 0 else { return }
        try communicator.during(.saving) {
            try lock?.requireHeld()
            try checkpoints.saveEvaluation(state, isBest: isBest)
        }
    }
}
