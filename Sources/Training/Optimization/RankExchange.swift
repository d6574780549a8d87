import Communication
import DynamicResolution
import Foundation
import NeuralNetwork

/// The collectives of training: sums of gradients and statistics in a step, and the broadcast at the beginning. Extensions have the
/// decision of a step and the comparison of the replicas.
package final class RankExchange: StatisticsReducer {
    let communicator: Communicator
    /// Measures the collectives of steps.
    let clock = StepClock()
    /// Of the step; nil outside of steps, and where sums do not proceed in the background.
    private var buckets: GradientBuckets?

    /// - Parameter communicator: of the ranks that train together.
    package init(_ communicator: Communicator) {
        self.communicator = communicator
    }

    package func sumOverRanks(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
        try clock.collective { try communicator.allReduceSum(values, label: label) }
    }

    /// The values of all ranks, in rank order. Every rank passes the same number of values. Collective.
    func gather(_ values: [Double], label: String) throws -> [Double] {
        try clock.collective { try communicator.gatherFixed(values, label: label) }.flatMap { $0 }
    }

    /// Begins a step: gradients are summed over the ranks in buckets, as soon as they are complete. Local.
    ///
    /// - Parameters:
    ///   - networks: whose gradients the step computes, with their progress.
    ///   - bucketBytes: the size of a bucket.
    package func beginGradients(_ networks: [(network: Network, progress: GradientProgress)], bucketBytes: Int) {
        guard communicator.sumsInBackground else { return }
        let buckets = GradientBuckets(networks.map(\.network.arena.gradients), bytes: bucketBytes) { [communicator] in
            communicator.beginSum($0)
        }
        self.buckets = buckets
        for (index, part) in networks.enumerated() { part.progress.begin { buckets.complete(index, from: $0) } }
    }

    /// Sums the gradients of all networks over the ranks, or waits for the sums that `beginGradients` arranged for. Collective.
    package func reduceGradients(_ networks: [Network]) throws {
        if let buckets {
            buckets.completeAll()
            self.buckets = nil
            return try clock.collective { try communicator.finishSums(label: "gradients") }
        }
        for network in networks {
            try clock.collective { try communicator.allReduceSum(network.arena.gradients, label: "gradients") }
        }
    }

    /// Sums the collected batch-norm sums and the numbers of `extra` over the ranks, in one collective. Then updates the running
    /// statistics and clears the collectors. Collective.
    ///
    /// - Parameters:
    ///   - momentum: weight of the new statistics in the running ones.
    ///   - extra: overwritten with the sums over the ranks.
    ///   - isUsed: receives the sums of `extra`. If it returns false, the running statistics do not change.
    package func reduceStatistics(
        _ collectors: [StatisticsCollector], momentum: Double, extra: inout [Double], isUsed: ([Double]) -> Bool = { _ in true }
    ) throws {
        var sums = extra + collectors.flatMap(\.sums)
        try clock.collective { try communicator.allReduceSum(&sums, label: "batch-norm statistics and sums of the step") }
        extra = Array(sums[..<extra.count])
        let updates = isUsed(extra)
        var remaining = sums[extra.count...]
        for collector in collectors {
            collector.replaceSums(remaining.prefix(collector.sums.count))
            remaining = remaining.dropFirst(collector.sums.count)
            if updates { collector.updateRunningStatistics(momentum: momentum) }
            collector.clear()
        }
    }

    /// Gives every rank the values, the statistics and the optimiser's state of rank 0. Collective.
    func broadcast(_ networks: [Network], _ optimizer: Optimizer?) throws {
        let buffers = networks.flatMap { [$0.arena.values, $0.arena.runningStatistics] } + (optimizer?.buffers ?? [])
        for buffer in buffers {
            try communicator.broadcast(UnsafeMutableRawBufferPointer(buffer), root: 0, label: "parameters of rank 0")
        }
    }
}

extension RankExchange: ImageExchange {
    package var rank: Int { communicator.rank }
    package var rankCount: Int { communicator.rankCount }

    package func allGather(_ values: [Int32], label: String) throws -> [[Int32]] {
        try communicator.gatherFixed(values, label: label)
    }

    package func allToAll(
        _ values: UnsafeBufferPointer<Float>, counts: [Int], into received: UnsafeMutableBufferPointer<Float>, counts receivedCounts: [Int],
        label: String
    ) throws {
        try communicator.allToAll(values, counts: counts, into: received, counts: receivedCounts, label: label)
    }
}
