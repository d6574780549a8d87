/// One copy of a batch norm: parameters, running statistics, and the place of its sums in a `StatisticsCollector`.
public final class BatchNormCopy: Sendable {
    /// The path of the layer, with the index of the resolution where the batch norm is resolution-aware (`layer1.0.bn1.2`).
    public let name: String
    public let channels: Int
    public let weight: Parameter
    public let bias: Parameter
    public let runningMean: Parameter
    public let runningVariance: Parameter
    /// The position among the copies of the network.
    let index: Int
    /// The offset of the first sum in a collector.
    let offset: Int

    init(
        name: String, channels: Int, weight: Parameter, bias: Parameter, runningMean: Parameter, runningVariance: Parameter,
        index: Int, offset: Int
    ) {
        self.name = name
        self.channels = channels
        self.weight = weight
        self.bias = bias
        self.runningMean = runningMean
        self.runningVariance = runningVariance
        self.index = index
        self.offset = offset
    }

    /// Σ (x − s) and Σ (x − s)² of each channel, and the number of values.
    var sumCount: Int { 2 * channels + 1 }
}

/// The batch-norm sums of a step on this rank: one flat vector of doubles, next to the vectors of values and gradients. Training passes add
/// to it (`Pass.statistics`). Like gradients, the sums are reduced over the ranks before they are used.
public final class StatisticsCollector {
    /// For each copy of each batch norm, in the order of registration: Σ (x − s) of each channel, Σ (x − s)² of each channel, the number of
    /// values. The shift s is the running mean, which only `updateRunningStatistics` changes.
    public private(set) var sums: [Double]
    private let arena: ParameterArena

    /// Sums of zero, for the batch norms of one network.
    public init(_ arena: ParameterArena) {
        self.arena = arena
        sums = [Double](repeating: 0, count: arena.batchNormCopies.reduce(0) { $0 + $1.sumCount })
    }

    /// Adds what one pass saw: Σ (x − s) [C], Σ (x − s)² [C], the number of values.
    func add(_ passSums: [Double], of copy: BatchNormCopy) {
        precondition(arena.batchNormCopies[copy.index] === copy, "\(copy.name) belongs to another network than this collector")
        precondition(passSums.count == copy.sumCount, "\(copy.name) has \(copy.sumCount) sums, not \(passSums.count)")
        for (index, sum) in passSums.enumerated() { sums[copy.offset + index] += sum }
    }

    /// Takes sums that were reduced over the ranks in place of this rank's.
    public func replaceSums(_ reduced: ArraySlice<Double>) {
        precondition(reduced.count == sums.count, "\(reduced.count) sums for a collector of \(sums.count)")
        sums = Array(reduced)
    }

    public func clear() {
        for index in sums.indices { sums[index] = 0 }
    }

    /// Moves the running statistics of the network towards the moments of the collected values. A copy that saw no value keeps its
    /// statistics. The sums refer to the old running means: call `clear` before the next pass.
    ///
    /// - Parameter momentum: the weight of the new statistics (PyTorch's convention); with 1 they replace the old ones.
    public func updateRunningStatistics(momentum: Double) {
        for copy in arena.batchNormCopies {
            let sums = self.sums[copy.offset..<copy.offset + copy.sumCount]
            let (first, count) = (sums.startIndex, sums[sums.endIndex - 1])
            guard count > 0 else { continue }
            for channel in 0..<copy.channels {
                let offset = sums[first + channel] / count
                let variance = max(sums[first + copy.channels + channel] / count - offset * offset, 0)
                copy.runningMean.blend(channel, Double(copy.runningMean.values[channel]) + offset, momentum)
                // The running variance is the unbiased one, as PyTorch's; it does not exist for a single value.
                if count > 1 { copy.runningVariance.blend(channel, variance * count / (count - 1), momentum) }
            }
        }
    }
}

extension Parameter {
    fileprivate func blend(_ channel: Int, _ value: Double, _ momentum: Double) {
        values[channel] = Float((1 - momentum) * Double(values[channel]) + momentum * value)
    }
}
