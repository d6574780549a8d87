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
    /// The images of each pass over a routed sub-batch.
    var work: RoutedWork
    /// Set where images have moved between ranks.
    var moved: MovedSubBatches?
    /// Whether the step has no micro-batch after this one.
    var isLast = false

    /// The sub-batch of a pass on this rank, and the images of it that are to be computed.
    func subBatch(_ kind: Int) -> (batch: MicroBatch, images: [Int]) { moved?.subBatch(kind) ?? (batch, work.images[kind]) }

    /// Takes the results of a sub-batch.
    func record(_ answer: TrainingStep.SubBatchAnswer, _ kind: Int, into outcome: inout PolicyOutcome) {
        if let moved { return moved.record(answer, kind, into: &outcome) }
        outcome.record(answer, images: work.images[kind], resolution: work.resolution(kind))
    }

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
            try routed.moved?.returnResults(into: &outcome)
        case .chosenAndProbe:
            try trainChosen(routed, into: &outcome, report: &report)
            try computeProbes(routed, into: &outcome)
            try routed.moved?.returnResults(into: &outcome)
        case .chosenAndLosses:
            let seesAll = options.batchNormImages == .all
            // This pass comes first, because the losses below replace its losses: all losses of an image are computed in the same way.
            // So the results of images that moved are not needed.
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
        var passes: [(batch: MicroBatch, images: [Int], index: Int, forward: NetworkForward?, kind: Int?)] = []
        if let smallest = routed.smallest { passes.append((routed.batch, routed.images, last, smallest, nil)) }
        for index in model.resolutions.indices where routed.chosen[index] > 0 {
            if index == last && routed.smallest != nil { continue }
            let kind = routed.work.kind(index, isProbe: false)
            let (batch, images) = routed.subBatch(kind)
            passes.append((batch, images, index, nil, kind))
        }
        // Without the statistics of other ranks, an empty sub-batch has no pass.
        let lastPass = passes.lastIndex { globalBatchNorm || !$0.images.isEmpty }
        for (number, pass) in passes.enumerated() {
            let answer = try trainClassifier(
                pass.batch, images: pass.images, resolutionIndex: pass.index, lossScale: 1 / Float(outcome.globalCount),
                forward: pass.forward, collectsStatistics: collectsStatistics, isLast: routed.isLast && number == lastPass,
                report: &report)
            if let kind = pass.kind {
                routed.record(answer, kind, into: &outcome)
            } else {
                outcome.record(answer, images: pass.images, resolution: pass.index)
            }
        }
    }

    /// Runs each image at every resolution, forward and backward. The loss is the mean over the resolutions, as in warm-up.
    private func trainEvery(_ routed: RoutedBatch, into outcome: inout PolicyOutcome, report: inout StepReport) throws {
        let lossScale = 1 / Float(outcome.globalCount * model.resolutions.count)
        // The smallest comes first, so that a cascade's feature maps are released.
        for index in model.resolutions.indices.reversed() {
            let answer = try trainClassifier(
                routed.batch, images: routed.images, resolutionIndex: index, lossScale: lossScale,
                forward: index == last ? routed.smallest : nil, isLast: routed.isLast && index == 0, report: &report)
            outcome.record(answer, images: routed.images, resolution: index)
        }
    }

    /// Runs each image at its probed resolution, forward only. As in the passes of the chosen resolutions, the statistics of the sub-batch
    /// normalise. Running statistics lag behind the weights: with them, probed resolutions would have larger losses than chosen ones, and
    /// each choice would reinforce itself (docs/experiments.md).
    private func computeProbes(_ routed: RoutedBatch, into outcome: inout PolicyOutcome) throws {
        for index in model.resolutions.indices where routed.probed[index] > 0 {
            // A cascade has the losses at the smallest resolution.
            if index == last && routed.smallest != nil { continue }
            let kind = routed.work.kind(index, isProbe: true)
            let (batch, images) = routed.subBatch(kind)
            routed.record(try losses(batch, images, classifierPass(index, collectsStatistics: false)), kind, into: &outcome)
        }
    }

    /// Runs every image at every resolution, forward only. It normalises with running statistics, as in evaluation, or in training mode
    /// with the statistics of all images, and collects these.
    private func computeLosses(_ routed: RoutedBatch, inTraining: Bool, into outcome: inout PolicyOutcome) throws {
        for index in model.resolutions.indices {
            // A cascade has the training losses at the smallest resolution.
            if inTraining && index == last && routed.smallest != nil { continue }
            let pass = inTraining ? classifierPass(index) : Pass(.evaluation, resolutionIndex: index)
            outcome.record(try losses(routed.batch, routed.images, pass), images: routed.images, resolution: index)
        }
    }

    /// The losses of some images at the resolution of the pass, forward only. Collective where the pass has a reducer.
    private func losses(_ batch: MicroBatch, _ images: [Int], _ pass: Pass) throws -> SubBatchAnswer {
        if images.isEmpty && pass.reducer == nil { return SubBatchAnswer() }
        let logits = try model.classifier.forward(input(batch, images, resolutionIndex: pass.resolutionIndex), pass).output
        return SubBatchAnswer(losses: images.enumerated().map { row, image in comparedLoss(logits.image(row), of: image, in: batch) })
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
        // Where no rank's images chose it, the gradient is zero.
        let backward = model.resolutions.indices.filter { routed.chosen[$0] > 0 || $0 == last && routed.smallest != nil }
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
            guard backward.contains(index) else { continue }
            progress[0].isLastPass = routed.isLast && index == backward.first
            try forward.pullback?(gradient)
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
        for (row, image) in images.enumerated() where row < answer.losses.count {
            record(
                loss: answer.losses[row], gateGradient: answer.gateGradients.isEmpty ? nil : answer.gateGradients[row], image: image,
                resolution: resolution)
        }
    }

    /// Fills in the results of one image at one resolution.
    ///
    /// - Parameters:
    ///   - loss: ℓ_ij.
    ///   - gateGradient: nil if the pass computed none.
    ///   - image: index in the micro-batch.
    ///   - resolution: index.
    mutating func record(loss: Float, gateGradient: Float?, image: Int, resolution: Int) {
        losses[image * columns + resolution] = loss
        if let gateGradient { gateGradients[image * columns + resolution] = gateGradient }
    }
}
