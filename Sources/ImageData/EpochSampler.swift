import Randomness

/// Assigns the images of one epoch to batches and ranks. Each image belongs to exactly one batch and one rank.
public struct EpochSampler: Sendable {
    /// The order of the images.
    public enum Order: Sendable {
        /// A random permutation that depends only on seed and epoch.
        case shuffled(seed: UInt64, epoch: Int)
        /// The order of the data set.
        case sequential
    }

    private let order: [Int]
    private let batchSize: Int
    private let rank: Int
    private let rankCount: Int

    /// Creates the sampler of one rank.
    ///
    /// - Parameters:
    ///   - count: the number of images of the epoch.
    ///   - batchSize: the number of images of a batch over all ranks. The last batch can be smaller.
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

    /// The number of batches of the epoch.
    public var batchCount: Int { (order.count + batchSize - 1) / batchSize }

    /// Returns the number of images of a batch over all ranks.
    public func globalCount(_ batch: Int) -> Int { range(batch).count }

    /// Returns the indices of this rank's images of a batch: the slice [rank · b / P, (rank + 1) · b / P) of the b images, for P ranks. It
    /// can be empty.
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
