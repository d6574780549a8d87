import DynamicResolution
import Kernels
import NeuralNetwork

/// Computes the gradients of a step as a fixed number of logical ranks, so that their bits do not depend on the number of ranks.
///
/// Each logical rank has gradients and batch-norm sums of its own, and shares the parameters and running statistics of the model.
final class DeterministicStep {
    /// A logical rank of this process.
    private struct Member {
        var model: DRNet
        var step: TrainingStep
        var reducer: Forwarding
    }

    /// Forwards to the sums of the current step.
    private final class Forwarding: StatisticsReducer {
        var sums: OrderedSums?

        func sumOverRanks(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
            guard let sums else { preconditionFailure("\(label): a sum outside of a step") }
            try sums.sumOverRanks(values, label: label)
        }
    }

    private let logicalRanks: LogicalRanks
    private let members: [Member]
    private let exactSums: [ExactSums]
    private let model: DRNet
    private let exchange: RankExchange
    /// Whether the losses of this rank's images were finite in the last step. The returned sums do not show it: rank 0 has those of all
    /// ranks.
    private(set) var lossIsFinite = true

    /// - Parameters:
    ///   - model: receives the sums over all logical ranks.
    ///   - makeStep: makes the step of a logical rank, from its model and its sums.
    init(
        _ logicalRanks: LogicalRanks, model: DRNet, _ exchange: RankExchange, _ context: KernelContext,
        makeStep: (DRNet, StatisticsReducer) -> TrainingStep
    ) {
        self.logicalRanks = logicalRanks
        self.model = model
        self.exchange = exchange
        members = logicalRanks.own.map { _ in
            let (own, reducer) = (DRNet(sharingValuesOf: model), Forwarding())
            return Member(model: own, step: makeStep(own, reducer), reducer: reducer)
        }
        exactSums = model.networks.map { ExactSums(count: $0.arena.gradients.count, context) }
    }

    /// Runs a step of all logical ranks. Collective.
    ///
    /// The model has the summed gradients afterwards. Report and batch-norm sums of all logical ranks are returned and collected on rank 0.
    /// Those of the other ranks are zero, so that the usual sums over the ranks leave them as they are.
    ///
    /// - Parameters:
    ///   - microBatches: of this rank, with their numbers of images over all ranks.
    ///   - statistics: receive the batch-norm sums of all logical ranks.
    ///   - networks: the trained networks, by their indices.
    ///   - body: the step of one logical rank.
    func run(
        _ microBatches: [(batch: MicroBatch, globalCount: Int)], statistics: [StatisticsCollector], networks: [Int],
        _ body: @escaping (TrainingStep, [MicroBatch]) throws -> StepReport
    ) throws -> StepReport {
        clearStatistics()
        lossIsFinite = true
        var result = StepReport(resolutionCount: model.resolutions.count)
        var collected = [Double]()
        try logicalRanks.run { [self] number, sums in
            let member = members[number - logicalRanks.own.lowerBound]
            member.reducer.sums = sums
            for network in member.model.networks { network.arena.clearGradients() }
            let report = try body(
                member.step, microBatches.map { $0.batch.slice(logicalRanks.images(of: number, globalCount: $0.globalCount)) })
            lossIsFinite = lossIsFinite && report.lossSum.isFinite
            var vector = report.vector + member.step.statistics.flatMap(\.sums)
            try vector.withUnsafeMutableBufferPointer { try sums.sumOverRanks($0, label: "batch-norm statistics and sums of the step") }
            result = report
            (result.vector, collected) = (Array(vector.prefix(report.vector.count)), Array(vector.dropFirst(report.vector.count)))
        }
        for member in members {
            for index in networks { exactSums[index].add(member.model.networks[index].arena.gradients) }
        }
        for index in networks { try exactSums[index].take(into: model.networks[index].arena.gradients, exchange) }
        keepOnRankZero(collected, statistics)
        guard exchange.communicator.rank > 0 else { return result }
        var empty = StepReport(resolutionCount: model.resolutions.count)
        empty.penaltySum = result.penaltySum
        return empty
    }

    // MARK: - Recalibration

    /// Sets the batch-norm sums of all logical ranks to zero.
    func clearStatistics() {
        for collector in members.flatMap(\.step.statistics) { collector.clear() }
    }

    /// Runs forward passes of all logical ranks on a batch. Collective.
    ///
    /// - Parameters:
    ///   - globalCount: images of the batch over all ranks.
    ///   - body: the passes of one logical rank: its model, its sums, its collectors and its images.
    func collect(
        _ batch: MicroBatch, globalCount: Int,
        _ body: @escaping (DRNet, StatisticsReducer, [StatisticsCollector], MicroBatch) throws -> Void
    ) throws {
        try logicalRanks.run { [self] number, sums in
            let member = members[number - logicalRanks.own.lowerBound]
            try body(member.model, sums, member.step.statistics, batch.slice(logicalRanks.images(of: number, globalCount: globalCount)))
        }
    }

    /// Collects the batch-norm sums of all logical ranks on rank 0; see `run`. Collective.
    func takeStatistics(into statistics: [StatisticsCollector]) throws {
        var collected = [Double]()
        try logicalRanks.run { [self] number, sums in
            var vector = members[number - logicalRanks.own.lowerBound].step.statistics.flatMap(\.sums)
            try vector.withUnsafeMutableBufferPointer { try sums.sumOverRanks($0, label: "batch-norm statistics") }
            collected = vector
        }
        keepOnRankZero(collected, statistics)
    }

    private func keepOnRankZero(_ collected: [Double], _ statistics: [StatisticsCollector]) {
        guard exchange.communicator.rank == 0 else { return }
        var rest = collected[...]
        for collector in statistics {
            collector.replaceSums(rest.prefix(collector.sums.count))
            rest = rest.dropFirst(collector.sums.count)
        }
    }
}
