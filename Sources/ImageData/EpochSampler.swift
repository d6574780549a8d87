import Randomness

/// Which images make each batch of a pass over the data, and which of them this rank loads. Every image is in one batch of one rank.
public struct EpochSampler: Sendable {
    public enum Order: Sendable {
        /// A permutation that depends on seed and epoch only.
        case shuffled(seed: UInt64, epoch: Int)
        case sequential
    }

    private let order: [Int]
    private let batchSize: Int
    private let rank: Int
    private let rankCount: Int

    /// - Parameter batchSize: images of a batch over all ranks; the last batch may be smaller.
    public init(count: Int, batchSize: Int, rank: Int, rankCount: Int, order: Order) {
        precondition(batchSize >= 1 && (0..<rankCount).contains(rank), "batch of \(batchSize), rank \(rank) of \(rankCount)")
        self.batchSize = batchSize
        self.rank = rank
        self.rankCount = rankCount
        switch order {
        case .sequential:
            self.order = Array(0..<count)
        case .shuffled(let seed, let epoch):
            var random = CounterRandom(seed: seed, purpose: .shuffling, step: epoch)
            self.order = random.permutation(count)
        }
    }

    public var batchCount: Int { (order.count + batchSize - 1) / batchSize }

    /// Images of a batch over all ranks.
    public func globalCount(_ batch: Int) -> Int { range(batch).count }

    /// This rank's images of a batch: the slice [rank · b / P, (rank + 1) · b / P) of its b images; may be empty.
    public func indices(_ batch: Int) -> [Int] {
        let whole = range(batch)
        let low = whole.lowerBound + rank * whole.count / rankCount
        let high = whole.lowerBound + (rank + 1) * whole.count / rankCount
        return Array(order[low..<high])
    }

    private func range(_ batch: Int) -> Range<Int> {
        batch * batchSize..<min((batch + 1) * batchSize, order.count)
    }
}
