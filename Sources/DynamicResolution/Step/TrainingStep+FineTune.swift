import NeuralNetwork

extension TrainingStep {
    /// Fine-tuning: predicts, routes, classifies as the estimator needs it, and runs the backward passes of both networks.
    ///
    /// The regulariser acts on the mean cost of the *global* batch, and the balance on its mean policy, so all images are routed before the
    /// first is classified. With one micro-batch the predictor runs once; with several, a first pass without statistics finds the routes of
    /// all of them, and the predictor runs again on each micro-batch before the classifier does.
    ///
    /// - Parameter globalCount: images in the global batch, all ranks and micro-batches together.
    public func fineTune(
        _ microBatches: [MicroBatch], globalCount: Int, _ options: FineTuneOptions
    ) throws -> StepReport {
        let trainsPredictor = options.frozen != .predictor
        // A frozen predictor gives the same answer again.
        let runsOnce = microBatches.count == 1 || !trainsPredictor
        var routes = try microBatches.map { try route($0, options, isFinal: runsOnce) }
        let sums = try globalSums(routes)
        let mean = sums.mean(globalCount)
        let plans = try balancePlans(routes.map { (routedWork($0.decision), $0.decision.choices.count) }, options)
        let costGradient = options.regularizer.weightGradient(mean: mean.cost, globalCount: globalCount)

        var report = StepReport(resolutionCount: model.resolutions.count)
        for (index, batch) in try microBatches.map(taught).enumerated() {
            let current = runsOnce ? routes[index] : try route(batch, options, isFinal: true)
            var outcome = PolicyOutcome(
                images: batch.labels.count, costGradient: costGradient, globalCount: globalCount)
            let isLast = index == microBatches.count - 1
            let work = routedWork(current.decision)
            let routed = RoutedBatch(
                batch: batch, decision: current.decision, smallest: current.smallest, chosen: sums.chosen[index],
                probed: sums.probed[index], work: work, moved: try movedSubBatches(plans?[index], work, batch),
                isLast: isLast)
            // The backward pass of the smallest resolution releases its feature maps.
            routes[index].smallest = nil
            try classify(routed, options, into: &outcome, report: &report)
            if isLast { progress[0].completeAll() }
            if trainsPredictor {
                let estimate = options.estimator.logitGradient(current.input, current.decision, outcome)
                let terms = options.policyTerms.logitGradient(
                    policy: current.decision.policy, meanPolicy: mean.policy, globalCount: globalCount)
                let gradient = zip(estimate, terms).map { $0 + $1 }
                progress[1].isLastPass = isLast
                try current.pullback?(Tensor(current.logitShape, gradient, batch.images.context))
            }
            routes[index].pullback = nil
            report.add(current.decision, costs: model.costs.choices)
        }
        progress[1].completeAll()
        let penalty =
            options.regularizer.weight * options.regularizer.value(mean: mean.cost)
            + options.policyTerms.value(meanPolicy: mean.policy, meanEntropy: mean.entropy)
        report.penaltySum = penalty * Double(globalCount)
        return report
    }

    /// The predictor's answer for a micro-batch, and the pullback of its pass.
    private struct Route {
        var input: PolicyInput
        var decision: PolicyDecision
        var logitShape: Shape
        /// The classifier's pass of all images at the smallest resolution, from which a cascade decides; nil for other deciders.
        var smallest: NetworkForward?
        /// Nil where only the decision is needed: the backward passes of all micro-batches would keep their feature maps at once.
        var pullback: ((Tensor) throws -> Void)?
    }

    /// - Parameter isFinal: whether the backward pass of this pass follows. Another pass leaves no trace.
    private func route(_ batch: MicroBatch, _ options: FineTuneOptions, isFinal: Bool) throws -> Route {
        guard let predictor = model.predictor else {
            preconditionFailure("fine-tuning needs a predictor")
        }
        let isFrozen = options.frozen == .predictor
        let smallest = try smallestPass(batch, options, collectsStatistics: isFinal)
        let forward = try predictor.forward(
            smallest.map(CascadeEvidence.vectors) ?? model.imagesForPredictor(batch.images),
            isFrozen ? Pass(.evaluation) : predictorPass(collectsStatistics: isFinal))
        let input = PolicyInput(
            logits: forward.output.values, noise: options.noise(batch), temperature: options.temperature,
            penalties: options.regularizer.penalties, columns: model.resolutions.count)
        return Route(
            input: input, decision: isFrozen ? .withoutNoise(input, options.estimator) : options.estimator.decide(input),
            logitShape: forward.output.shape, smallest: isFinal ? smallest : nil, pullback: isFinal ? forward.pullback : nil)
    }

    /// The classifier's pass of all images at the smallest resolution; nil unless a cascade decides from it. Collective with global batch
    /// norm.
    private func smallestPass(_ batch: MicroBatch, _ options: FineTuneOptions, collectsStatistics: Bool) throws -> NetworkForward? {
        guard model.decider?.isCascade == true else { return nil }
        let last = model.resolutions.count - 1
        let pass =
            options.frozen == .classifier
            ? Pass(.evaluation, resolutionIndex: last) : classifierPass(last, collectsStatistics: collectsStatistics)
        return try model.classifier.forward(model.resizing(batch.images, toResolution: last), pass)
    }

    /// Collective.
    private func globalSums(_ routes: [Route]) throws -> PolicySums {
        var sums = PolicySums(costs: model.costs.choices)
        for route in routes { sums.append(route.decision) }
        try sumOverRanks(&sums.vector, label: "costs, policies and sub-batch sizes")
        return sums
    }
}
