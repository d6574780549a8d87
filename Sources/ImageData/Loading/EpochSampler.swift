import Randomness

/// Assigns the images of one epoch to steps, batches and ranks. Each use of an image belongs to exactly one batch and one rank.
public struct EpochSampler: Sendable {
    /// The order of the images.
    public enum Order: Sendable {
        /// A random permutation that depends only on seed and epoch.
        case shuffled(seed: UInt64, epoch: Int)
        /// The order of the data set.
        case sequential
    }

    private let order: [EpochItem]
    private let batchSize: Int
    private let batchesPerStep: Int
    private let rank: Int
    private let rankCount: Int

    /// Creates the sampler of one rank that uses each image once.
    ///
    /// - Parameters:
    ///   - count: the number of images of the epoch.
    ///   - batchSize: the number of images of a batch over all ranks. The last batch can be smaller.
    ///   - rank: this rank.
    ///   - rankCount: the number of ranks.
    ///   - order: the order of the images.
    public init(count: Int, batchSize: Int, rank: Int, rankCount: Int, order: Order) {
        let indices: [Int]
        switch order {
        case .sequential:
            indices = Array(0..<count)
        case .shuffled(let seed, let epoch):
            var random = CounterRandom(seed: seed, purpose: .shuffling, step: epoch)
            indices = random.permutation(count)
        }
        self.init(items: indices.map { EpochItem(index: $0) }, batchSize: batchSize, rank: rank, rankCount: rankCount)
    }

    /// Creates the sampler of one rank.
    ///
    /// - Parameters:
    ///   - items: the uses of images of the epoch, in order.
    ///   - batchSize: the number of images of a batch over all ranks. The last batch can be smaller.
    ///   - batchesPerStep: the number of batches whose images can be mixed with one another.
    ///   - rank: this rank.
    ///   - rankCount: the number of ranks.
    public init(items: [EpochItem], batchSize: Int, batchesPerStep: Int = 1, rank: Int, rankCount: Int) {
        precondition(
            batchSize >= 1 && batchesPerStep >= 1 && (0..<rankCount).contains(rank), "batch of \(batchSize), rank \(rank) of \(rankCount)")
        order = items
        self.batchSize = batchSize
        self.batchesPerStep = batchesPerStep
        self.rank = rank
        self.rankCount = rankCount
    }

    /// The number of batches of the epoch.
    public var batchCount: Int { (order.count + batchSize - 1) / batchSize }

    /// Returns the number of images of a batch over all ranks.
    public func globalCount(_ batch: Int) -> Int { range(batch).count }

    /// Returns the images of this rank in a batch.
    public func indices(_ batch: Int) -> [Int] { items(batch).map(\.index) }

    /// Returns this rank's items of a batch: the slice [rank · b / P, (rank + 1) · b / P) of the b items, for P ranks. It can be empty.
    public func items(_ batch: Int) -> [EpochItem] { Array(order[ownRange(batch)]) }

    /// Returns the item that each of this rank's items of a batch is mixed with: the one that comes `shift` places before it in its step,
    /// and from the step's end for the first ones. This does not depend on ranks and batches.
    func partners(_ batch: Int, shift: Int) -> [EpochItem] {
        let first = batch / batchesPerStep * batchesPerStep * batchSize
        let count = min(batchesPerStep * batchSize, order.count - first)
        return ownRange(batch).map { order[first + ($0 - first + count - shift % count) % count] }
    }

    private func ownRange(_ batch: Int) -> Range<Int> {
        let whole = range(batch)
        return whole.lowerBound + rank * whole.count / rankCount..<whole.lowerBound + (rank + 1) * whole.count / rankCount
    }

    private func range(_ batch: Int) -> Range<Int> {
        batch * batchSize..<min((batch + 1) * batchSize, order.count)
    }
}
