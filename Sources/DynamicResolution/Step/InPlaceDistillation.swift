import NeuralNetwork

/// Distillation between the resolutions of one network: multi-resolution ensemble distillation in its full version (Wang et al.,
/// "Resolution Switchable Networks for Runtime Efficient Image Recognition", ECCV 2020, arXiv 2007.09558). With the resolutions j = 0 …
/// m − 1, largest first, and p_j = softmax(z_j), the loss of an image gains
///
///     λ / m · Σ_j 2 / (m + 1) · [KL(p̄ ‖ p_j) + Σ_{k < j} KL(p_k ‖ p_j)],   p̄ = softmax(mean_j z_j):
///
/// the ensemble teaches every resolution, and each larger one teaches the smaller. Teachers get no gradient. The gradient dz_j of the
/// terms of j is their number times p_j, minus the sum of their teachers. The factor 2 / (m + 1) makes the mean weight of a
/// resolution's terms λ. The paper learns the weights of the ensemble's logits; here they are equal.
public struct InPlaceDistillation: Equatable, Sendable {
    /// λ.
    public var weight: Double

    public init(weight: Double) {
        self.weight = weight
    }

    /// Computes the terms of one image, including λ and the factor. Returns their sum over the resolutions. Adds their gradients, times
    /// `scale`, to `logitGradients`.
    ///
    /// - Parameter logits: a row of `classes` for each resolution, largest first; `logitGradients` likewise.
    func addTerms(
        _ logits: [UnsafePointer<Float>], classes: Int, scale: Float, to logitGradients: [UnsafeMutablePointer<Float>]
    ) -> Double {
        let factor = Float(2 * weight / Double(logits.count + 1))
        var teachers = [LogProbabilities(Self.mean(logits, classes: classes))]
        var sum = 0.0
        for (scores, gradient) in zip(logits, logitGradients) {
            let student = LogProbabilities(scores, count: classes)
            for teacher in teachers {
                sum += Double(factor) * teacher.divergence(from: student)
                for index in 0..<classes {
                    gradient[index] += scale * factor * (student.probabilities[index] - teacher.probabilities[index])
                }
            }
            teachers.append(student)
        }
        return sum
    }

    private static func mean(_ logits: [UnsafePointer<Float>], classes: Int) -> [Float] {
        (0..<classes).map { index in logits.reduce(0) { $0 + $1[index] } / Float(logits.count) }
    }
}

extension TrainingStep {
    /// Runs the forward pass at every resolution, then each backward pass. The first gradient needs the logits of all teachers, so the
    /// feature maps of all resolutions are kept at once. Except for the batch norms, images do not interact. Collective with global batch
    /// norm.
    ///
    /// - Parameters:
    ///   - lossScale: the factor of each image's loss.
    ///   - isLast: whether the backward pass of the smallest resolution is the classifier's last one of the step on this rank.
    func trainDistilled(
        _ batch: MicroBatch, _ distillation: InPlaceDistillation, lossScale: Float, isLast: Bool, report: inout StepReport
    ) throws {
        if batch.labels.isEmpty && !globalBatchNorm { return }
        var forwards: [NetworkForward?] = try model.resolutions.indices.map { index in
            try model.classifier.forward(model.resizing(batch.images, toResolution: index), classifierPass(index))
        }
        let logits = forwards.compactMap { $0?.output }
        let gradients = logits.map { Tensor($0.shape, $0.context) }
        for image in batch.labels.indices {
            for (scores, gradient) in zip(logits, gradients) {
                _ = trainedLoss(
                    scores.image(image), of: image, in: batch, lossScale: lossScale, logitGradient: gradient.image(image), report: &report)
            }
            report.distillationSum += distillation.addTerms(
                logits.map { UnsafePointer($0.image(image)) }, classes: model.classCount, scale: lossScale,
                to: gradients.map { $0.image(image) })
        }
        for index in forwards.indices {
            progress[0].isLastPass = isLast && index == forwards.count - 1
            try forwards[index]?.pullback?(gradients[index])
            // Releases the feature maps of the resolution.
            forwards[index] = nil
        }
    }
}
