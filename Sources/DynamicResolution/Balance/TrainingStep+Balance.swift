import NeuralNetwork

/// Even work: images move between the ranks after they are routed and before the classifier runs.
extension TrainingStep {
    /// The images of this rank in each pass over a routed sub-batch.
    func routedWork(_ decision: PolicyDecision) -> RoutedWork {
        RoutedWork(decision, resolutionCount: model.resolutions.count, isCascade: model.decider?.isCascade == true)
    }

    /// A plan for each micro-batch; nil if no images move in any step of this kind. Collective otherwise.
    ///
    /// - Parameter microBatches: of this rank, each with the number of its images.
    func balancePlans(_ microBatches: [(work: RoutedWork, images: Int)], _ options: FineTuneOptions) throws -> [BalancePlan]? {
        guard let balance, balance.rankCount > 1, options.routesSubBatches else { return nil }
        let numbers = microBatches.flatMap { $0.work.images.map { Int32($0.count) } + [Int32($0.images)] }
        let all = try balance.allGather(numbers, label: "sub-batch sizes of all ranks")
        let kinds = 2 * model.resolutions.count
        let (costs, sizes, fixed) = (movedCosts, movedSizes, fixedCost(options))
        let aim: BalancePlan.Aim = globalBatchNorm ? .everyKind : .sum
        return microBatches.indices.map { index in
            let rows = all.map { $0[index * (kinds + 1)..<(index + 1) * (kinds + 1)].map { Int($0) } }
            let work = BalancePlan.Work(
                counts: rows.map { Array($0[..<kinds]) }, costs: costs, sizes: sizes, fixed: rows.map { $0[kinds] * fixed })
            return BalancePlan(work, aim: aim)
        }
    }

    /// Moves the images of a micro-batch; nil if the plan moves none on any rank. Collective otherwise.
    func movedSubBatches(_ plan: BalancePlan?, _ work: RoutedWork, _ batch: MicroBatch) throws -> MovedSubBatches? {
        guard let balance, let plan, !plan.moves.isEmpty else { return nil }
        return try MovedSubBatches(
            plan, work, batch, model: model, teachingClasses: teacher == nil ? 0 : model.classCount, exchange: balance)
    }

    /// Multiply-adds of an image of each kind of `RoutedWork`. A backward pass counts as two forward passes.
    private var movedCosts: [Int] {
        let forward = model.flops.classifier.map { max(Int($0), 1) }
        return forward.map { Self.trainingFactor * $0 } + forward
    }

    /// Pixels of an image of each kind.
    private var movedSizes: [Int] {
        let pixels = model.resolutions.map { $0 * $0 }
        return pixels + pixels
    }

    /// Multiply-adds of what an image costs its own rank, wherever its routed passes run.
    private func fixedCost(_ options: FineTuneOptions) -> Int {
        var cost = (options.frozen == .predictor ? 1 : Self.trainingFactor) * Int(model.flops.predictor)
        if model.decider?.isCascade == true { cost += Self.trainingFactor * Int(model.flops.smallest) }
        if options.frozen == .none && options.estimator.computed == .chosenAndLosses { cost += Int(model.flops.classifier.reduce(0, +)) }
        return cost
    }

    /// The cost of a forward and a backward pass, in forward passes.
    private static let trainingFactor = 3
}

extension FineTuneOptions {
    /// Whether images run at their own resolutions only. Otherwise each image runs at all of them, and the work is even already. A frozen
    /// classifier runs forward only; its images do not move.
    var routesSubBatches: Bool {
        switch (frozen, estimator.computed) {
        case (.classifier, _): return false
        case (.predictor, _), (.none, .chosen), (.none, .chosenAndProbe), (.none, .chosenAndLosses): return true
        case (.none, .all), (.none, .everyLoss): return false
        }
    }
}
