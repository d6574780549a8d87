import Kernels
import NeuralNetwork

/// What a fine-tuning step needs besides its images.
public struct FineTuneOptions {
    public var estimator: PolicyEstimator
    public var regularizer: FLOPsRegularizer
    /// τ of the Gumbel softmax.
    public var temperature: Float
    /// The noise of a micro-batch's images, [N × m]; a pure function of the images, so that it can be asked for twice.
    public var noise: (MicroBatch) -> [Float]

    public init(
        estimator: PolicyEstimator, regularizer: FLOPsRegularizer, temperature: Float,
        noise: @escaping (MicroBatch) -> [Float]
    ) {
        self.estimator = estimator
        self.regularizer = regularizer
        self.temperature = temperature
        self.noise = noise
    }
}

extension TrainingStep {
    /// Fine-tuning: predict, route, classify by sub-batches, and back to both networks.
    ///
    /// The hinge acts on the mean cost of the *global* batch, so all images are routed before the first is classified. With one
    /// micro-batch the predictor runs once; with several, a first pass without statistics finds the routes of all of them, and the
    /// predictor runs again when the micro-batch's turn comes.
    ///
    /// - Parameter globalCount: images in the global batch, all ranks and micro-batches together.
    public func fineTune(
        _ microBatches: [MicroBatch], globalCount: Int, _ options: FineTuneOptions
    ) throws -> StepReport {
        let single = microBatches.count == 1
        var routes = try microBatches.map { try route($0, options, recordsStatistics: single) }
        let costs = try globalCosts(routes)
        let mean = costs.total / Double(globalCount)
        let costGradient = options.regularizer.weightGradient(mean: mean, globalCount: globalCount)

        var report = StepReport(resolutionCount: model.resolutions.count)
        for (index, batch) in microBatches.enumerated() {
            let current = single ? routes[index] : try route(batch, options, recordsStatistics: true)
            let outcome = try classify(
                batch, current, globalImages: costs.images[index], costGradient: costGradient, globalCount: globalCount,
                options, report: &report)
            let gradient = options.estimator.logitGradient(current.input, current.decision, outcome)
            _ = try current.pullback?(Tensor(current.logitShape, gradient))
            routes[index].pullback = nil
            report.images += Double(batch.labels.count)
            report.costSum += cost(current.decision)
            for choice in current.decision.choices { report.routed[choice] += 1 }
        }
        report.penaltySum =
            options.regularizer.weight * options.regularizer.value(mean: mean) * Double(globalCount)
        return report
    }

    /// The predictor's answer for a micro-batch, and the way back.
    private struct Route {
        var input: PolicyInput
        var decision: PolicyDecision
        var logitShape: Shape
        /// Nil where only the decision is wanted: what the way back needs would be kept for all micro-batches at once.
        var pullback: Pullback?
    }

    private func route(_ batch: MicroBatch, _ options: FineTuneOptions, recordsStatistics: Bool) throws -> Route {
        guard let predictor = model.predictor else {
            preconditionFailure("fine-tuning needs a predictor")
        }
        let forward = try predictor.forward(
            model.imagesForPredictor(batch.images), trainingPass(recordsStatistics: recordsStatistics))
        let input = PolicyInput(
            logits: forward.output.values, noise: options.noise(batch), temperature: options.temperature,
            columns: model.resolutions.count)
        return Route(
            input: input, decision: options.estimator.decide(input), logitShape: forward.output.shape,
            pullback: recordsStatistics ? forward.pullback : nil)
    }

    /// Σ of the costs over all ranks, and how many images of each micro-batch go to each resolution on all ranks. Collective.
    private func globalCosts(_ routes: [Route]) throws -> (total: Double, images: [[Double]]) {
        let columns = model.resolutions.count
        var sums = [routes.reduce(0) { $0 + cost($1.decision) }]
        for route in routes {
            var counts = [Double](repeating: 0, count: columns)
            for choice in route.decision.choices { counts[choice] += 1 }
            sums += counts
        }
        try sumOverRanks(&sums, label: "costs and sub-batch sizes")
        let images = routes.indices.map { Array(sums[1 + $0 * columns..<1 + ($0 + 1) * columns]) }
        return (sums[0], images)
    }

    private func cost(_ decision: PolicyDecision) -> Double {
        let costs = model.flops.classifier
        return decision.costWeights.enumerated().reduce(0) {
            $0 + Double($1.element) * costs[$1.offset % costs.count]
        }
    }

    private func classify(
        _ batch: MicroBatch, _ route: Route, globalImages: [Double], costGradient: [Float], globalCount: Int,
        _ options: FineTuneOptions, report: inout StepReport
    ) throws -> PolicyOutcome {
        // Before the classifier learns from this batch, and with its running statistics: what evaluation would see.
        let losses = options.estimator.needsAllLosses ? try allLosses(batch) : []
        var gates = [Float](repeating: 0, count: batch.labels.count)
        let subBatches = Router.subBatches(choices: route.decision.choices, resolutionCount: model.resolutions.count)
        for (index, images) in subBatches.enumerated() where globalImages[index] > 0 {
            let subGates = try trainClassifier(
                batch, images: images, resolutionIndex: index, lossScale: 1 / Float(globalCount), report: &report)
            for (row, gate) in subGates.enumerated() { gates[images[row]] = gate }
        }
        return PolicyOutcome(
            gateGradients: gates, losses: losses, costGradient: costGradient, globalCount: globalCount)
    }

    /// ℓ_ij [N × m], forward only, without touching any statistics. Local.
    private func allLosses(_ batch: MicroBatch) throws -> [Float] {
        let columns = model.resolutions.count
        var losses = [Float](repeating: 0, count: batch.labels.count * columns)
        for index in 0..<columns {
            let logits = try model.classify(batch.images, resolutionIndex: index)
            for (row, label) in batch.labels.enumerated() {
                losses[row * columns + index] = CrossEntropy.loss(
                    logits.image(row), count: model.classCount, label: Int(label), smoothing: labelSmoothing,
                    gradient: nil)
            }
        }
        return losses
    }
}
