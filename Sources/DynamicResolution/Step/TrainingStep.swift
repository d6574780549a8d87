import NeuralNetwork

/// Computes the gradients of one step of a DRNet on this rank's share of the global batch. The gradients are this rank's part of
/// the gradient of the *global* mean loss: their sum over the ranks is the gradient, whatever each rank holds.
///
/// Every rank runs the same sequence of collectives, whatever its images chose: a resolution is skipped when no rank has images for
/// it, and with global batch norm a rank without images takes part with an empty sub-batch.
public struct TrainingStep {
    let model: DRNet
    /// Sums over the ranks; nil on one process.
    let ranks: StatisticsReducer?
    /// Whether batch norms normalise with the statistics of all ranks.
    let globalBatchNorm: Bool
    let loss: ClassificationLoss
    let teacher: Teacher?
    /// Moves images between the ranks, so that their work is even; nil if each rank classifies its own images.
    let balance: (any ImageExchange)?
    /// Batch-norm sums of this rank's passes since they were last cleared, one collector for each network of the model, classifier
    /// first. The caller reduces and applies them after the step.
    public let statistics: [StatisticsCollector]
    /// The progress of the gradients, one for each network of the model, classifier first. The caller begins it before each step.
    public let progress: [GradientProgress]

    /// - Parameters:
    ///   - model: receives the gradients.
    ///   - ranks: sums over the ranks; nil on one process.
    ///   - globalBatchNorm: whether batch norms normalise with the statistics of all ranks.
    ///   - loss: of each classification.
    ///   - teacher: for a loss with `distillation`; nil for other losses.
    ///   - balance: moves images between the ranks, so that their work is even; nil if each rank classifies its own images.
    public init(
        model: DRNet, ranks: StatisticsReducer?, globalBatchNorm: Bool, loss: ClassificationLoss, teacher: Teacher? = nil,
        balance: (any ImageExchange)? = nil
    ) {
        precondition([0, model.classCount].contains(loss.classWeights.count), "each class has a weight")
        precondition((loss.distillation == nil) == (teacher == nil), "a teacher, and what to learn from it")
        precondition([nil, model.classCount].contains(teacher?.classCount), "the teacher has the same classes")
        self.model = model
        self.ranks = ranks
        self.globalBatchNorm = globalBatchNorm
        self.loss = loss
        self.teacher = teacher
        self.balance = balance
        statistics = model.networks.map { StatisticsCollector($0.arena) }
        progress = model.networks.map { _ in GradientProgress() }
    }

    /// A training pass of the classifier.
    ///
    /// - Parameter collectsStatistics: false for a pass that leaves no trace in the running statistics.
    func classifierPass(_ resolutionIndex: Int, collectsStatistics: Bool = true) -> Pass {
        Pass(
            .training, resolutionIndex: resolutionIndex, reducer: globalBatchNorm ? ranks : nil,
            statistics: collectsStatistics ? statistics[0] : nil, progress: progress[0])
    }

    /// A training pass of the predictor.
    func predictorPass(collectsStatistics: Bool) -> Pass {
        Pass(
            .training, reducer: globalBatchNorm ? ranks : nil, statistics: collectsStatistics ? statistics[1] : nil,
            progress: progress[1])
    }

    /// values ← their sums over all ranks. Collective.
    func sumOverRanks(_ values: inout [Double], label: String) throws {
        guard let ranks else { return }
        try values.withUnsafeMutableBufferPointer { try ranks.sumOverRanks($0, label: label) }
    }

    /// Warm-up: the classifier learns every candidate resolution on every image, the losses averaged.
    ///
    /// - Parameters:
    ///   - globalCount: images in the global batch, all ranks and micro-batches together.
    ///   - distillation: how resolutions teach one another; nil: they do not, and run one after another.
    public func warmUp(
        _ microBatches: [MicroBatch], globalCount: Int, distillation: InPlaceDistillation? = nil
    ) throws -> StepReport {
        var report = StepReport(resolutionCount: model.resolutions.count)
        let lossScale = 1 / Float(globalCount * model.resolutions.count)
        for (number, batch) in try microBatches.map(taught).enumerated() {
            let isLastBatch = number == microBatches.count - 1
            report.images += Double(batch.labels.count)
            if let distillation {
                try trainDistilled(batch, distillation, lossScale: lossScale, isLast: isLastBatch, report: &report)
                continue
            }
            for index in model.resolutions.indices {
                try trainClassifier(
                    batch, images: Array(batch.labels.indices), resolutionIndex: index, lossScale: lossScale,
                    isLast: isLastBatch && index == model.resolutions.count - 1, report: &report)
            }
        }
        progress[0].completeAll()
        return report
    }

    /// The micro-batch with the teacher's answers, if there is a teacher. The teacher runs once for each image.
    func taught(_ batch: MicroBatch) throws -> MicroBatch {
        guard let teacher, !batch.labels.isEmpty else { return batch }
        var batch = batch
        batch.teacherLogits = try teacher.logits(batch.images)
        return batch
    }

    /// The results of a sub-batch's images, in their order.
    struct SubBatchAnswer {
        var losses: [Float] = []
        /// ⟨dL/dŷ_i, F(X̂_i)⟩; empty after a forward pass alone.
        var gateGradients: [Float] = []
    }

    /// Some images of a micro-batch, at a resolution.
    func input(_ batch: MicroBatch, _ images: [Int], resolutionIndex: Int) -> Tensor {
        let gathered = batch.gathering(images)
        return batch.isResized ? gathered : model.resizing(gathered, toResolution: resolutionIndex)
    }

    /// Forward and backward pass of a sub-batch at one resolution. Collective with global batch norm.
    ///
    /// - Parameters:
    ///   - lossScale: the factor of each image's loss: 1 / N for a mean over the global batch.
    ///   - forward: the forward pass of these images, if it ran already.
    ///   - isLast: whether the backward pass is the classifier's last one of the step on this rank.
    @discardableResult
    func trainClassifier(
        _ batch: MicroBatch, images: [Int], resolutionIndex: Int, lossScale: Float, forward: NetworkForward? = nil,
        collectsStatistics: Bool = true, isLast: Bool = false, report: inout StepReport
    ) throws -> SubBatchAnswer {
        if images.isEmpty && !globalBatchNorm { return SubBatchAnswer() }
        let forward =
            try forward
            ?? model.classifier.forward(
                input(batch, images, resolutionIndex: resolutionIndex),
                classifierPass(resolutionIndex, collectsStatistics: collectsStatistics))
        let logits = forward.output
        let gradient = Tensor(logits.shape, logits.context)
        var answer = SubBatchAnswer()
        for (row, image) in images.enumerated() {
            answer.losses.append(
                trainedLoss(
                    logits.image(row), of: image, in: batch, lossScale: lossScale, logitGradient: gradient.image(row), report: &report))
            answer.gateGradients.append(dot(gradient.image(row), logits.image(row)))
        }
        progress[0].isLastPass = isLast
        try forward.pullback?(gradient)
        return answer
    }

    /// The loss of one classification that trains, which enters the report; `logitGradient` ← its gradient times `lossScale`.
    ///
    /// - Parameters:
    ///   - scores: the logits.
    ///   - image: index in the micro-batch.
    func trainedLoss(
        _ scores: UnsafePointer<Float>, of image: Int, in batch: MicroBatch, lossScale: Float,
        logitGradient: UnsafeMutablePointer<Float>, report: inout StepReport
    ) -> Float {
        let (classes, target) = (model.classCount, batch.target(of: image))
        let parts = loss.parts(scores, target, classes: classes, gradient: logitGradient)
        for index in 0..<classes { logitGradient[index] *= lossScale }
        report.lossSum += Double(parts.crossEntropy)
        report.distillationSum += Double(parts.distillation)
        report.correct += Logits.rank(of: target.mainLabel, in: scores, count: classes) == 0 ? 1 : 0
        report.classifications += 1
        return parts.total
    }

    /// The loss of one classification that trains nothing: the estimator compares it with those at other resolutions.
    ///
    /// - Parameters:
    ///   - scores: the logits.
    ///   - image: index in the micro-batch.
    func comparedLoss(_ scores: UnsafePointer<Float>, of image: Int, in batch: MicroBatch) -> Float {
        loss.parts(scores, batch.target(of: image), classes: model.classCount, gradient: nil).total
    }

    /// The scalar product of two rows of classes.
    func dot(_ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>) -> Float {
        (0..<model.classCount).reduce(0) { $0 + first[$1] * second[$1] }
    }
}
