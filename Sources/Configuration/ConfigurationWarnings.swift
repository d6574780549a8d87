import DynamicResolution
import NeuralNetwork

extension TrainingConfiguration {
    /// Batch statistics of fewer values a channel are not reliable. Fine-tuning with 10 values destroyed a classifier that was not affected
    /// by 16 (docs/experiments.md).
    private static let fewestValues = 16

    /// Warnings about valid settings that are probably not intended.
    ///
    /// - Parameter rankCount: how many ranks share a batch.
    public func warnings(rankCount: Int) -> [String] {
        let statistics = [warmUpStatistics, fineTuneStatistics, predictorStatistics].compactMap { $0 }
        return [unevenResolutions, idleRanks(rankCount), balanceWithoutEffect(rankCount)].compactMap { $0 }
            + statistics.compactMap { poorStatistics($0, rankCount) }
    }

    private var unevenResolutions: String? {
        let uneven = resolutions.filter { $0 % Backbone.stride != 0 }
        guard !uneven.isEmpty else { return nil }
        let names = uneven.map(String.init).joined(separator: ", ")
        return
            "resolutions: \(names) \(uneven.count == 1 ? "is not a multiple" : "are not multiples") of the networks' stride "
            + "\(Backbone.stride): the cost is higher than the number of pixels suggests; 'drnet info' prints it"
    }

    private var imagesOfMicroBatch: Int { optimizer.batchSize / optimizer.accumulationSteps }

    private var batchInWords: String {
        optimizer.accumulationSteps == 1
            ? "optimizer.batchSize \(optimizer.batchSize)"
            : "optimizer.batchSize \(optimizer.batchSize) in \(optimizer.accumulationSteps) micro-batches"
    }

    private func idleRanks(_ rankCount: Int) -> String? {
        let idle = rankCount - imagesOfMicroBatch
        guard idle > 0, stages.warmUp != nil || stages.fineTune != nil else { return nil }
        return "\(batchInWords) on \(rankCount) ranks: \(idle) \(idle == 1 ? "rank has" : "ranks have") no image in a "
            + "\(optimizer.accumulationSteps == 1 ? "batch" : "micro-batch"). Use fewer ranks, or at least "
            + "\(rankCount * optimizer.accumulationSteps) images"
    }

    private func balanceWithoutEffect(_ rankCount: Int) -> String? {
        guard rankCount > 1, communication.balance == .flops else { return nil }
        guard let stage = stages.fineTune else { return "communication.balance flops has no effect without stages.fineTune" }
        if stage.freeze == .classifier {
            return "communication.balance flops has no effect with stages.fineTune.freeze classifier: its images stay on their ranks"
        }
        guard stage.freeze == .none, policy.estimator == .dense || policy.estimator == .regression else { return nil }
        return "communication.balance flops has no effect with policy.estimator \(policy.estimator.rawValue): each image runs at all "
            + "resolutions, so the work is even already"
    }

    // MARK: - Batch statistics

    /// What the batch norms of a network normalise together.
    private struct Statistics {
        var stage: String
        /// Parts that an image batch is divided into, on average equal: the sub-batches of the resolutions.
        var parts: Int
        /// The side of the smallest input, in pixels.
        var side: Int
        /// The input, in words.
        var input: String
        /// How the number of pixels is raised, in words.
        var larger: String
    }

    /// Warm-up runs all images at every resolution.
    private var warmUpStatistics: Statistics? {
        guard stages.warmUp != nil, let smallest = resolutions.last else { return nil }
        return Statistics(
            stage: "warm-up", parts: 1, side: smallest, input: "resolution \(smallest)", larger: "larger resolutions")
    }

    /// In fine-tuning, each sub-batch has its own statistics. `dense` and `regression` have no sub-batches. A frozen classifier uses its
    /// running statistics.
    private var fineTuneStatistics: Statistics? {
        guard let stage = stages.fineTune, stage.freeze != .classifier, let smallest = resolutions.last else { return nil }
        return Statistics(
            stage: "fine-tuning", parts: policy.estimator == .dense || policy.estimator == .regression ? 1 : resolutions.count,
            side: smallest,
            input: "resolution \(smallest)", larger: "larger resolutions")
    }

    /// The predictor runs on all images.
    private var predictorStatistics: Statistics? {
        guard let stage = stages.fineTune, stage.freeze != .predictor, predictor.kind == .network else { return nil }
        return Statistics(
            stage: "fine-tuning of the predictor", parts: 1, side: predictor.inputSize, input: "predictor.inputSize \(predictor.inputSize)",
            larger: "a larger predictor.inputSize")
    }

    /// Warns of batch norms that see too few values of a channel: images of a rank or of all ranks, times pixels at the end of the network.
    private func poorStatistics(_ statistics: Statistics, _ rankCount: Int) -> String? {
        let isLocal = batchNorm.mode == .local && rankCount > 1
        let divisor = statistics.parts * (isLocal ? rankCount : 1)
        let side = (statistics.side + Backbone.stride - 1) / Backbone.stride
        // Rounded down: this many images have at least one part of the batch.
        let (images, pixels) = (imagesOfMicroBatch / divisor, side * side)
        guard images * pixels < Self.fewestValues else { return nil }
        let enough = (Self.fewestValues + pixels - 1) / pixels * divisor * optimizer.accumulationSteps
        let shares = [
            statistics.parts > 1 ? "\(statistics.parts) sub-batches" : nil, isLocal ? "\(rankCount) ranks (batchNorm.mode local)" : nil,
        ].compactMap { $0 }
        return "\(batchInWords)\(shares.isEmpty ? "" : " on " + shares.joined(separator: " and ")) gives poor batch statistics in "
            + "\(statistics.stage): \(images * pixels) values a channel\(isLocal ? " and rank" : "") (\(images) "
            + "\(images == 1 ? "image" : "images") of \(pixels) \(pixels == 1 ? "pixel" : "pixels") at the end of the network, at "
            + "\(statistics.input)), and \(Self.fewestValues) are needed. The network can be destroyed. Use at least \(enough) images"
            + "\(isLocal ? ", batchNorm.mode global, fewer ranks" : ""), or \(statistics.larger)"
    }
}
