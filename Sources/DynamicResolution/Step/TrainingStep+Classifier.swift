import Kernels
import NeuralNetwork

/// The classifier's part of a fine-tuning step. The estimator determines what is computed.
extension TrainingStep {
    /// Trains the classifier on a micro-batch, and fills `outcome` with what the estimator needs. Collective with global batch norm.
    ///
    /// - Parameter globalSizes: how many images, over all ranks, chose each resolution, and how many probe it. All ranks skip a
    ///   pass for which no rank has images.
    func classify(
        _ batch: MicroBatch, _ decision: PolicyDecision, globalSizes: (chosen: [Double], probed: [Double]), _ options: FineTuneOptions,
        into outcome: inout PolicyOutcome, report: inout StepReport
    ) throws {
        switch options.frozen {
        case .none: break
        case .classifier: return try classifyFrozen(batch, decision, options.estimator.computed, into: &outcome, report: &report)
        // The estimator of a frozen predictor needs no other resolution.
        case .predictor: return try trainChosen(batch, decision.choices, globalSizes.chosen, into: &outcome, report: &report)
        }
        switch options.estimator.computed {
        case .chosen:
            try trainChosen(batch, decision.choices, globalSizes.chosen, into: &outcome, report: &report)
        case .chosenAndProbe:
            try trainChosen(batch, decision.choices, globalSizes.chosen, into: &outcome, report: &report)
            try computeProbes(batch, decision.probes, globalSizes.probed, into: &outcome)
        case .chosenAndLosses:
            let seesAll = options.batchNormImages == .all
            // This pass comes first, because the losses below replace its losses: all losses of an image are computed in the same way.
            try trainChosen(
                batch, decision.choices, globalSizes.chosen, collectsStatistics: !seesAll, into: &outcome, report: &report)
            try computeLosses(batch, inTraining: seesAll, into: &outcome)
        case .all:
            try trainAll(batch, decision.choices, globalSizes.chosen, into: &outcome, report: &report)
        }
    }

    /// Runs each image at its chosen resolution, forward and backward.
    private func trainChosen(
        _ batch: MicroBatch, _ choices: [Int], _ globalSizes: [Double], collectsStatistics: Bool = true,
        into outcome: inout PolicyOutcome, report: inout StepReport
    ) throws {
        let subBatches = Router.subBatches(choices: choices, resolutionCount: model.resolutions.count)
        for (index, images) in subBatches.enumerated() where globalSizes[index] > 0 {
            let answer = try trainClassifier(
                batch, images: images, resolutionIndex: index, lossScale: 1 / Float(outcome.globalCount),
                collectsStatistics: collectsStatistics, report: &report)
            for (image, (loss, gate)) in zip(images, zip(answer.losses, answer.gateGradients)) {
                outcome.losses[image * outcome.columns + index] = loss
                outcome.gateGradients[image * outcome.columns + index] = gate
            }
        }
    }

    /// Runs each image at its probed resolution, forward only. As in the passes of the chosen resolutions, the statistics of the sub-batch
    /// normalise. Running statistics lag behind the weights: with them, probed resolutions would have larger losses than chosen ones, and
    /// each choice would reinforce itself (docs/experiments.md).
    private func computeProbes(
        _ batch: MicroBatch, _ probes: [Int], _ globalSizes: [Double], into outcome: inout PolicyOutcome
    ) throws {
        let subBatches = Router.subBatches(choices: probes, resolutionCount: model.resolutions.count)
        for (index, images) in subBatches.enumerated() where globalSizes[index] > 0 {
            try computeLosses(
                batch, images, classifierPass(index, collectsStatistics: false), into: &outcome)
        }
    }

    /// Runs every image at every resolution, forward only. It normalises with running statistics, as in evaluation, or in training mode
    /// with the statistics of all images, and collects these.
    private func computeLosses(_ batch: MicroBatch, inTraining: Bool, into outcome: inout PolicyOutcome) throws {
        for index in model.resolutions.indices {
            let pass = inTraining ? classifierPass(index) : Pass(.evaluation, resolutionIndex: index)
            try computeLosses(batch, Array(batch.labels.indices), pass, into: &outcome)
        }
    }

    /// Fills in the losses of some images at the resolution of the pass, forward only. Collective where the pass has a reducer.
    private func computeLosses(
        _ batch: MicroBatch, _ images: [Int], _ pass: Pass, into outcome: inout PolicyOutcome
    ) throws {
        if images.isEmpty && pass.reducer == nil { return }
        let logits = try model.classifier.forward(
            model.resizing(batch.gathering(images), toResolution: pass.resolutionIndex), pass
        ).output
        for (row, image) in images.enumerated() {
            outcome.losses[image * outcome.columns + pass.resolutionIndex] = CrossEntropy.loss(
                logits.image(row), count: model.classCount, label: Int(batch.labels[image]), smoothing: labelSmoothing, gradient: nil)
        }
    }

    /// Every image at every resolution, forward and back, the loss being that of the chosen one: the others have no
    /// gradient, but they are in the batch that is normalised. Resolutions run one after another; only logits are kept.
    private func trainAll(
        _ batch: MicroBatch, _ choices: [Int], _ globalSizes: [Double], into outcome: inout PolicyOutcome, report: inout StepReport
    ) throws {
        if batch.labels.isEmpty && !globalBatchNorm { return }
        let shape = Shape(batch: batch.labels.count, channels: model.classCount)
        // dL/dŷ of every image, from the resolution that it chose.
        let logitGradients = Tensor(shape, batch.images.context)
        var logits: [Tensor] = []
        for index in model.resolutions.indices {
            let forward = try model.classifier.forward(
                model.resizing(batch.images, toResolution: index), classifierPass(index))
            logits.append(forward.output)
            let gradient = Tensor(shape, batch.images.context)
            gradient.data.update(repeating: 0, count: shape.count)
            for image in choices.indices where choices[image] == index {
                outcome.losses[image * outcome.columns + index] = crossEntropy(
                    forward.output.image(image), label: Int(batch.labels[image]), lossScale: 1 / Float(outcome.globalCount),
                    logitGradient: gradient.image(image), report: &report)
                logitGradients.image(image).update(from: gradient.image(image), count: model.classCount)
            }
            // Where no rank's images chose it, the gradient is zero.
            if globalSizes[index] > 0 { try forward.pullback?(gradient) }
        }
        for image in choices.indices {
            for (index, logits) in logits.enumerated() {
                outcome.gateGradients[image * outcome.columns + index] = dot(logitGradients.image(image), logits.image(image))
            }
        }
    }
}
