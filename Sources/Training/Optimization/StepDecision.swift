import DynamicResolution
import Kernels
import NeuralNetwork

/// The numbers that a step's branches depend on. All of them are results of a collective, so every rank takes the same branch.
struct StepDecision: Equatable {
    /// Some rank received a signal.
    var stopIsRequested: Bool
    /// Loss and gradients are finite on every rank.
    var isFinite: Bool
    /// Rank 0 wants a checkpoint after this step, because enough time has passed.
    var saveIsDue = false
    /// Rank 0's norm of the summed gradients. The gradients, and so the norms, should be equal on all ranks; if a fault makes them differ,
    /// all ranks still clip by the same factor, and the replica check finds the difference.
    var gradientNorm: Double
}

extension RankExchange {
    /// Sums the step's report and batch-norm statistics over the ranks, and agrees on the decision, in one collective. It follows
    /// `reduceGradients`. The running statistics change only if loss and gradients are finite on every rank.
    ///
    /// - Parameters:
    ///   - collectors: the batch-norm sums of the step.
    ///   - momentum: weight of the step's statistics in the running ones.
    ///   - saveIsDue: whether enough time has passed since the last checkpoint. The value of rank 0 counts.
    func agree(
        _ networks: [Network], _ collectors: [StatisticsCollector], momentum: Double, _ report: inout StepReport, stopIsRequested: Bool,
        saveIsDue: Bool = false, _ context: KernelContext
    ) throws -> StepDecision {
        let norm = GradientNorm.norm(networks, context)
        let isFinite = norm.isFinite && report.lossSum.isFinite
        // A sum over the ranks whose other terms are zero gives rank 0's value, bit by bit.
        let isRoot = communicator.rank == 0
        var sums = report.vector + [stopIsRequested ? 1 : 0, isFinite ? 0 : 1, isRoot && saveIsDue ? 1 : 0, isRoot ? norm : 0]
        try reduceStatistics(collectors, momentum: momentum, extra: &sums) { $0[$0.count - 3] == 0 }
        report.vector = sums.dropLast(4)
        let agreed = sums.suffix(4).map { $0 }
        return StepDecision(stopIsRequested: agreed[0] > 0, isFinite: agreed[1] == 0, saveIsDue: agreed[2] > 0, gradientNorm: agreed[3])
    }
}
