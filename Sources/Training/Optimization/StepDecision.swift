import DynamicResolution
import Kernels
import NeuralNetwork

/// The numbers that a step's branches depend on. All of them are results of a collective, so every rank takes the same branch.
struct StepDecision: Equatable {
    /// Some rank received a signal.
    var stopIsRequested: Bool
    /// Loss and gradients are finite on every rank.
    var isFinite: Bool
    /// Rank 0's norm of the summed gradients. The gradients, and so the norms, should be equal on all ranks; if a fault makes them differ,
    /// all ranks still clip by the same factor, and the replica check finds the difference.
    var gradientNorm: Double
}

extension RankExchange {
    /// Sums the step's report and batch-norm statistics over the ranks, and agrees on the decision, in one collective. It follows
    /// `reduceGradients`.
    ///
    /// - Parameters:
    ///   - collectors: the batch-norm sums of the step.
    ///   - momentum: weight of the step's statistics in the running ones.
    func agree(
        _ networks: [Network], _ collectors: [StatisticsCollector], momentum: Double, _ report: inout StepReport, stopIsRequested: Bool,
        _ context: KernelContext
    ) throws -> StepDecision {
        let norm = GradientNorm.norm(networks, context)
        let isFinite = norm.isFinite && report.lossSum.isFinite
        // A sum over the ranks whose other terms are zero gives rank 0's norm, bit by bit.
        var sums = report.vector + [stopIsRequested ? 1 : 0, isFinite ? 0 : 1, communicator.rank == 0 ? norm : 0]
        try reduceStatistics(collectors, momentum: momentum, extra: &sums)
        report.vector = sums.dropLast(3)
        let agreed = sums.suffix(3).map { $0 }
        return StepDecision(stopIsRequested: agreed[0] > 0, isFinite: agreed[1] == 0, gradientNorm: agreed[2])
    }
}
