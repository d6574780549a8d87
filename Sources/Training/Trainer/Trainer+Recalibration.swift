import Configuration
import DynamicResolution
import NeuralNetwork

extension Trainer {
    /// The stage: a step of its own, then its evaluation.
    func runRecalibration(_ plan: StagePlan, _ stage: TrainingConfiguration.RecalibrateStage) throws {
        // A signal may have ended the evaluation after it.
        if state.position.step == 0 {
            try recalibrate(batches: stage.batches)
            state.position.step = 1
            // The statistics are new: a checkpoint of its own.
            state.position.runStep += 1
        }
        let isBest = try evaluateEpoch(plan)
        state.position.epoch = 1
        state.position.step = 0
        state.position.runEpoch += 1
        try saveCheckpoint(isBest: isBest)
    }

    /// Estimates the running statistics of every batch norm anew, with the weights as they are: the moments of `batches` batches of
    /// training images, augmented as in training, at every resolution, pooled. Training's own statistics are moving averages over weights
    /// that have changed since, and rarely chosen resolutions lag behind most. Collective.
    private func recalibrate(batches limit: Int) throws {
        let batches = data.trainingBatches(runEpoch: state.position.runEpoch, firstBatch: 0)
        defer { batches.stop() }
        let reducer = configuration.batchNorm.mode == .global && communicator.rankCount > 1 ? exchange : nil
        let statistics = model.networks.map { StatisticsCollector($0.arena) }
        var seen = 0
        while seen < limit, let batch = try batches.next() {
            try stopIfAsked()
            communicator.context = "step \(state.position.runStep)"
            for index in model.resolutions.indices {
                let pass = Pass(.training, resolutionIndex: index, reducer: reducer, statistics: statistics[0])
                guard !batch.labels.isEmpty || reducer != nil else { continue }
                _ = try model.classifier.forward(model.resizing(batch.images, toResolution: index), pass)
            }
            if let predictor = model.predictor, !batch.labels.isEmpty || reducer != nil {
                _ = try predictor.forward(
                    model.imagesForPredictor(batch.images), Pass(.training, reducer: reducer, statistics: statistics[1]))
            }
            seen += 1
            journal?.recalibrated(seen, of: min(limit, batches.count))
        }
        var nothing: [Double] = []
        try exchange.reduceStatistics(statistics, momentum: 1, extra: &nothing)
    }
}
