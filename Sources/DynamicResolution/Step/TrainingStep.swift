import Kernels
import NeuralNetwork

/// One micro-batch of this rank: images at the largest resolution [N, r_1, r_1, 3], with what belongs to them.
public struct MicroBatch {
    public var images: Tensor
    public var labels: [Int32]
    /// Indices in the data set, which key the noise.
    public var sampleIndices: [Int]

    public init(images: Tensor, labels: [Int32], sampleIndices: [Int]) {
        self.images = images
        self.labels = labels
        self.sampleIndices = sampleIndices
    }

    /// The images `indices`; without a copy where they are all of them.
    public func gathering(_ indices: [Int]) -> Tensor {
        indices.count == labels.count ? images : images.gathering(indices)
    }
}

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
    let labelSmoothing: Float
    /// Batch-norm sums of this rank's passes since they were last cleared, one collector for each network of the model, classifier
    /// first. The caller reduces and applies them after the step.
    public let statistics: [StatisticsCollector]

    public init(model: DRNet, ranks: StatisticsReducer?, globalBatchNorm: Bool, labelSmoothing: Float) {
        self.model = model
        self.ranks = ranks
        self.globalBatchNorm = globalBatchNorm
        self.labelSmoothing = labelSmoothing
        statistics = model.networks.map { StatisticsCollector($0.arena) }
    }

    /// A training pass of the classifier.
    ///
    /// - Parameter collectsStatistics: false for a pass that leaves no trace in the running statistics.
    func classifierPass(_ resolutionIndex: Int, collectsStatistics: Bool = true) -> Pass {
        Pass(
            .training, resolutionIndex: resolutionIndex, reducer: globalBatchNorm ? ranks : nil,
            statistics: collectsStatistics ? statistics[0] : nil)
    }

    /// A training pass of the predictor.
    func predictorPass(collectsStatistics: Bool) -> Pass {
        Pass(.training, reducer: globalBatchNorm ? ranks : nil, statistics: collectsStatistics ? statistics[1] : nil)
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
        for batch in microBatches {
            report.images += Double(batch.labels.count)
            if let distillation {
                try trainDistilled(batch, distillation, lossScale: lossScale, report: &report)
                continue
            }
            for index in model.resolutions.indices {
                try trainClassifier(
                    batch, images: Array(batch.labels.indices), resolutionIndex: index, lossScale: lossScale, report: &report)
            }
        }
        return report
    }

    /// The results of a sub-batch's images, in their order.
    struct SubBatchAnswer {
        var losses: [Float] = []
        /// ⟨dL/dŷ_i, F(X̂_i)⟩.
        var gateGradients: [Float] = []
    }

    /// Forward and backward pass of a sub-batch at one resolution. Collective with global batch norm.
    ///
    /// - Parameters:
    ///   - lossScale: the factor of each image's loss: 1 / N for a mean over the global batch.
    ///   - forward: the forward pass of these images, if it ran already.
    @discardableResult
    func trainClassifier(
        _ batch: MicroBatch, images: [Int], resolutionIndex: Int, lossScale: Float, forward: NetworkForward? = nil,
        collectsStatistics: Bool = true, report: inout StepReport
    ) throws -> SubBatchAnswer {
        if images.isEmpty && !globalBatchNorm { return SubBatchAnswer() }
        let forward =
            try forward
            ?? model.classifier.forward(
                model.resizing(batch.gathering(images), toResolution: resolutionIndex),
                classifierPass(resolutionIndex, collectsStatistics: collectsStatistics))
        let logits = forward.output
        let gradient = Tensor(logits.shape, logits.context)
        var answer = SubBatchAnswer()
        for (row, image) in images.enumerated() {
            answer.losses.append(
                crossEntropy(
                    logits.image(row), label: Int(batch.labels[image]), lossScale: lossScale, logitGradient: gradient.image(row),
                    report: &report))
            answer.gateGradients.append(dot(gradient.image(row), logits.image(row)))
        }
        try forward.pullback?(gradient)
        return answer
    }

    /// The loss of one classification, which enters the report; `logitGradient` ← its gradient times `lossScale`.
    func crossEntropy(
        _ scores: UnsafePointer<Float>, label: Int, lossScale: Float, logitGradient: UnsafeMutablePointer<Float>, report: inout StepReport
    ) -> Float {
        let classes = model.classCount
        let loss = CrossEntropy.loss(scores, count: classes, label: label, smoothing: labelSmoothing, gradient: logitGradient)
        for index in 0..<classes { logitGradient[index] *= lossScale }
        report.lossSum += Double(loss)
        report.correct += Logits.rank(of: label, in: scores, count: classes) == 0 ? 1 : 0
        report.classifications += 1
        return loss
    }

    /// The scalar product of two rows of classes.
    func dot(_ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>) -> Float {
        (0..<model.classCount).reduce(0) { $0 + first[$1] * second[$1] }
    }
}
