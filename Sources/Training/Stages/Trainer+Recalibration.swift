import Configuration
import DynamicResolution
import NeuralNetwork

extension Trainer {
    /// Runs the stage: one step that re-estimates the statistics, then an evaluation. Collective.
    func runRecalibration(_ plan: StagePlan, _ stage: TrainingConfiguration.RecalibrateStage) throws {
        // Earlier builds wrote a checkpoint with step 1 when a signal ended the evaluation.
        if state.position.step == 0 {
            try recalibrate(plan, batches: stage.batches)
            // The weights are the averages of the stage before. Now they have other statistics.
            averages?.restart()
            // The new statistics need a checkpoint of their own, and checkpoints are numbered by steps.
            state.position.runStep += 1
        }
        state.position.epoch = 1
        state.position.step = 0
        state.position.runEpoch += 1
        state.isEvaluationPending = true
        try saveCheckpoint()
        try evaluateIfPending(plan)
    }

    /// Re-estimates the running statistics of every batch norm with fixed weights. It pools the moments of `limit` batches of augmented
    /// training images, at every resolution. They are not mixed with one another, because evaluation shows unmixed images. The statistics
    /// from training are moving averages over earlier weights; those of rarely chosen resolutions are the most outdated. Collective.
    private func recalibrate(_ plan: StagePlan, batches limit: Int) throws {
        let batches = data.trainingBatches(plan, runEpoch: state.position.runEpoch, firstBatch: 0, mixes: false)
        defer { batches.stop() }
        let reducer = configuration.batchNorm.mode == .global && communicator.rankCount > 1 ? exchange : nil
        let statistics = model.networks.map { StatisticsCollector($0.arena) }
        deterministicStep?.clearStatistics()
        var seen = 0
        while seen < limit, let batch = try batches.next() {
            try stopIfRequested()
            enterStep(plan)
            communicator.phase = .recalibrating
            if let deterministicStep {
                try deterministicStep.collect(batch, globalCount: batches.globalCount(seen)) { model, reducer, statistics, batch in
                    try Self.collect(batch, model, self.configuration.batchNorm.mode == .global ? reducer : nil, statistics)
                }
            } else {
                try Self.collect(batch, model, reducer, statistics)
            }
            seen += 1
            journal?.recalibrated(seen, of: min(limit, batches.count))
        }
        var noExtra: [Double] = []
        try deterministicStep?.takeStatistics(into: statistics)
        try exchange.reduceStatistics(statistics, momentum: 1, extra: &noExtra)
    }

    /// Runs the images at every resolution, and collects the batch-norm sums. Collective with a reducer.
    private static func collect(
        _ batch: MicroBatch, _ model: DRNet, _ reducer: StatisticsReducer?, _ statistics: [StatisticsCollector]
    ) throws {
        if batch.labels.isEmpty && reducer == nil { return }
        for index in model.resolutions.indices {
            let pass = Pass(.training, resolutionIndex: index, reducer: reducer, statistics: statistics[0])
            _ = try model.classifier.forward(model.resizing(batch.images, toResolution: index), pass)
        }
        // A cascade's head has no batch norm.
        if let predictor = model.predictor, model.decider?.isCascade == false {
            _ = try predictor.forward(
                model.imagesForPredictor(batch.images), Pass(.training, reducer: reducer, statistics: statistics[1]))
        }
    }
}
