import NeuralNetwork

/// A micro-batch whose images have been routed.
struct RoutedBatch {
    var batch: MicroBatch
    var decision: PolicyDecision
    /// The pass of all images at the smallest resolution that a cascade decided from; nil for other deciders. In a cascade, all images
    /// train the classifier at the smallest resolution.
    var smallest: NetworkForward?
    /// How many images, over all ranks, chose each resolution, and how many probe it. All ranks skip a pass for which no rank has images.
    var chosen: [Double]
    var probed: [Double]

    /// All images, as indices.
    var images: [Int] { Array(batch.labels.indices) }
}

/// The classifier's part of a fine-tuning step. The estimator determines what is computed.
extension TrainingStep {
    /// Trains the classifier on a micro-batch, and fills `outcome` with what the estimator needs. Collective with global batch norm.
    func classify(
        _ routed: RoutedBatch, _ options: FineTuneOptions, into outcome: inout PolicyOutcome, report: inout StepReport
    ) throws {
        switch options.frozen {
        case .none: break
        case .classifier: return try classifyFrozen(routed, options.estimator.computed, into: &outcome, report: &report)
        // The estimator of a frozen predictor needs no other resolution.
        case .predictor: return try trainChosen(routed, into: &outcome, report: &report)
        }
        switch options.estimator.computed {
        case .chosen:
            try trainChosen(routed, into: &outcome, report: &report)
        case .chosenAndProbe:
            try trainChosen(routed, into: &outcome, report: &report)
            try computeProbes(routed, into: &outcome)
        case .chosenAndLosses:
            let seesAll = options.batchNormImages == .all
            // This pass comes first, because the losses below replace its losses: all losses of an image are computed in the same way.
            try trainChosen(routed, collectsStatistics: !seesAll, into: &outcome, report: &report)
            try computeLosses(routed, inTraining: seesAll, into: &outcome)
        case .all:
            try trainDense(routed, into: &outcome, report: &report)
        case .everyLoss:
            try trainEvery(routed, into: &outcome, report: &report)
        }
    }

    /// Index of the smallest resolution.
    private var last: Int { model.resolutions.count - 1 }

    /// Runs each image at its chosen resolution, forward and backward. In a cascade, the pass at the smallest resolution is there already,
    /// and its backward pass includes all images.
    private func trainChosen(
        _ routed: RoutedBatch, collectsStatistics: Bool = true, into outcome: inout PolicyOutcome, report: inout StepReport
    ) throws {
        func train(_ images: [Int], _ index: Int, _ forward: NetworkForward?) throws {
            let answer = try trainClassifier(
                routed.batch, images: images, resolutionIndex: index, lossScale: 1 / Float(outcome.globalCount), forward: forward,
                collectsStatistics: collectsStatistics, report: &report)
            outcome.record(answer, images: images, resolution: index)
        }
        if let smallest = routed.smallest { try train(routed.images, last, smallest) }
        let subBatches = Router.subBatches(choices: routed.decision.choices, resolutionCount: model.resolutions.count)
        for (index, images) in subBatches.enumerated() where routed.chosen[index] > 0 {
            if index == last && routed.smallest != nil { continue }
            try train(images, index, nil)
        }
    }

    /// Runs each image at every resolution, forward and backward. The loss is the mean over the resolutions, as in warm-up.
    private func trainEvery(_ routed: RoutedBatch, into outcome: inout PolicyOutcome, report: inout StepReport) throws {
        let lossScale = 1 / Float(outcome.globalCount * model.resolutions.count)
        // The smallest comes first, so that a cascade's feature maps are released.
        for index in model.resolutions.indices.reversed() {
            let answer = try trainClassifier(
                routed.batch, images: routed.images, resolutionIndex: index, lossScale: lossScale,
                forward: index == last ? routed.smallest : nil, report: &report)
            outcome.record(answer, images: routed.images, resolution: index)
        }
    }

    /// Runs each image at its probed resolution, forward only. As in the passes of the chosen resolutions, the statistics of the sub-batch
    /// normalise. Running statistics lag behind the weights: with them, probed resolutions would have larger losses than chosen ones, and
    /// each choice would reinforce itself (docs/experiments.md).
    private func computeProbes(_ routed: RoutedBatch, into outcome: inout PolicyOutcome) throws {
        let subBatches = Router.subBatches(choices: routed.decision.probes, resolutionCount: model.resolutions.count)
        for (index, images) in subBatches.enumerated() where routed.probed[index] > 0 {
            // A cascade has the losses at the smallest resolution.
            if index == last && routed.smallest != nil { continue }
            try computeLosses(routed.batch, images, classifierPass(index, collectsStatistics: false), into: &outcome)
        }
    }

    /// Runs every image at every resolution, forward only. It normalises with running statistics, as in evaluation, or in training mode
    /// with the statistics of all images, and collects these.
    private func computeLosses(_ routed: RoutedBatch, inTraining: Bool, into outcome: inout PolicyOutcome) throws {
        for index in model.resolutions.indices {
            // A cascade has the training losses at the smallest resolution.
            if inTraining && index == last && routed.smallest != nil { continue }
            let pass = inTraining ? classifierPass(index) : Pass(.evaluation, resolutionIndex: index)
            try computeLosses(routed.batch, routed.images, pass, into: &outcome)
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
            outcome.losses[image * outcome.columns + pass.resolutionIndex] = comparedLoss(logits.image(row), of: image, in: batch)
        }
    }

    /// Every image at every resolution, forward and back, the loss being that of the chosen one: the others have no gradient, but they are
    /// in the batch that is normalised. In a cascade, all images have a loss at the smallest resolution too. Resolutions run one after
    /// another; only logits are kept.
    private func trainDense(_ routed: RoutedBatch, into outcome: inout PolicyOutcome, report: inout StepReport) throws {
        let batch = routed.batch
        if batch.labels.isEmpty && !globalBatchNorm { return }
        let shape = Shape(batch: batch.labels.count, channels: model.classCount)
        // dL/dŷ of every image, from the resolution that it chose.
        let logitGradients = Tensor(shape, batch.images.context)
        var logits: [Int: Tensor] = [:]
        for index in model.resolutions.indices.reversed() {
            let kept = index == last ? routed.smallest : nil
            let forward =
                try kept ?? model.classifier.forward(model.resizing(batch.images, toResolution: index), classifierPass(index))
            logits[index] = forward.output
            let gradient = Tensor(shape, batch.images.context)
            gradient.data.update(repeating: 0, count: shape.count)
            for (image, choice) in routed.decision.choices.enumerated() where choice == index || kept != nil {
                outcome.losses[image * outcome.columns + index] = trainedLoss(
                    forward.output.image(image), of: image, in: batch, lossScale: 1 / Float(outcome.globalCount),
                    logitGradient: gradient.image(image), report: &report)
                if choice == index { logitGradients.image(image).update(from: gradient.image(image), count: model.classCount) }
            }
            // Where no rank's images chose it, the gradient is zero.
            if routed.chosen[index] > 0 || kept != nil { try forward.pullback?(gradient) }
        }
        for image in routed.images {
            for (index, logits) in logits {
                outcome.gateGradients[image * outcome.columns + index] = dot(logitGradients.image(image), logits.image(image))
            }
        }
    }
}

extension PolicyOutcome {
    /// Fills in the results of some images at one resolution.
    fileprivate mutating func record(_ answer: TrainingStep.SubBatchAnswer, images: [Int], resolution: Int) {
        for (image, (loss, gate)) in zip(images, zip(answer.losses, answer.gateGradients)) {
            losses[image * columns + resolution] = loss
            gateGradients[image * columns + resolution] = gate
        }
    }
}
