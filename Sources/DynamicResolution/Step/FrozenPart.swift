import NeuralNetwork

/// The part of a DRNet that fine-tuning does not change by a single bit: neither parameters, momentum nor running statistics. It runs as in
/// evaluation, with running statistics.
public enum FrozenPart: String, CaseIterable, Sendable {
    case none
    /// Only the predictor learns. The classifier's logits do not change.
    case classifier
    /// Only the classifier learns, on the images that the predictor routes to each resolution.
    case predictor
}

extension PolicyDecision {
    /// Routes as evaluation does: to the resolution of the largest score, without noise. A frozen predictor does not explore.
    static func withoutNoise(_ input: PolicyInput, _ estimator: PolicyEstimator) -> PolicyDecision {
        let choices = estimator.likeliest(input)
        return PolicyDecision(choices: choices, costWeights: input.onehot(choices), policy: input.policy)
    }
}

extension TrainingStep {
    /// The classifier's part of a step that only trains the predictor: computes what the estimator needs, forward only. Local.
    func classifyFrozen(
        _ routed: RoutedBatch, _ computed: ComputedResolutions, into outcome: inout PolicyOutcome, report: inout StepReport
    ) throws {
        let (batch, decision) = (routed.batch, routed.decision)
        // dL/dŷ of every image, from the resolution that it chose.
        let logitGradients = Tensor(Shape(batch: batch.labels.count, channels: model.classCount), batch.images.context)
        var answers: [(images: [Int], logits: Tensor)] = []
        for index in model.resolutions.indices {
            // A cascade has the answers of all images at the smallest resolution.
            let kept = index == model.resolutions.count - 1 ? routed.smallest : nil
            let images = batch.labels.indices.filter { kept != nil || decision.needs(image: $0, resolution: index, computed) }
            guard !images.isEmpty else {
                answers.append(([], logitGradients))
                continue
            }
            let logits =
                try kept?.output
                ?? model.classifier.forward(
                    model.resizing(batch.gathering(images), toResolution: index), Pass(.evaluation, resolutionIndex: index)
                ).output
            for (row, image) in images.enumerated() {
                let scores = logits.image(row)
                outcome.losses[image * outcome.columns + index] =
                    decision.choices[image] == index
                    ? trainedLoss(
                        scores, of: image, in: batch, lossScale: 1 / Float(outcome.globalCount),
                        logitGradient: logitGradients.image(image), report: &report)
                    : comparedLoss(scores, of: image, in: batch)
            }
            answers.append((images, logits))
        }
        for (index, answer) in answers.enumerated() {
            for (row, image) in answer.images.enumerated() {
                outcome.gateGradients[image * outcome.columns + index] = dot(logitGradients.image(image), answer.logits.image(row))
            }
        }
    }
}

extension PolicyDecision {
    fileprivate func needs(image: Int, resolution: Int, _ computed: ComputedResolutions) -> Bool {
        switch computed {
        case .chosen: return choices[image] == resolution
        case .chosenAndProbe: return choices[image] == resolution || probes[image] == resolution
        case .chosenAndLosses, .all, .everyLoss: return true
        }
    }
}
