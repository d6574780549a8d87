import Foundation

/// The queue of batches in progress. Loading threads claim single images of these batches and fill them.
///
/// `@unchecked Sendable` is safe: `condition` protects all variables, including those of the pending batches. Loading threads write to
/// disjoint images of a batch. `next` reads a batch only after all of its images were reported as finished under the lock. `makeMemory`
/// runs only on the caller's thread.
final class LoadingQueue<Memory>: @unchecked Sendable {
    private final class PendingBatch {
        let indices: [Int]
        let memory: Memory
        let images: UnsafeMutablePointer<Float>
        /// The next image to claim.
        var nextRow = 0
        /// The number of images that are not finished yet.
        var remaining: Int
        /// The error of the first failed image in the order of the batch, not in the order of time.
        var failure: (row: Int, error: Error)?

        init(indices: [Int], memory: Memory, images: UnsafeMutablePointer<Float>) {
            self.indices = indices
            self.memory = memory
            self.images = images
            remaining = indices.count
        }
    }

    private let samples: [ImageFolder.Sample]
    private let imageFloats: Int
    private let transform: ImageTransform
    private let sampler: EpochSampler
    private let pendingLimit: Int
    private let makeMemory: (Int) -> (memory: Memory, images: UnsafeMutablePointer<Float>)
    private let condition = NSCondition()
    /// The batches that have memory and that `next` has not returned yet, in order.
    private var pending: [PendingBatch] = []
    /// The next batch to get memory.
    private var nextBatch: Int
    private var isStopped = false
    private(set) var waitingSeconds = 0.0

    init(
        samples: [ImageFolder.Sample], size: Int, transform: ImageTransform, sampler: EpochSampler, firstBatch: Int,
        pendingLimit: Int, makeMemory: @escaping (Int) -> (memory: Memory, images: UnsafeMutablePointer<Float>)
    ) {
        self.samples = samples
        self.transform = transform
        self.sampler = sampler
        self.pendingLimit = pendingLimit
        self.makeMemory = makeMemory
        imageFloats = size * size * 3
        nextBatch = firstBatch
        addBatches()
    }

    /// Adds batches up to the limit. Runs on the caller's thread, either under the lock or before the loading threads exist.
    private func addBatches() {
        while pending.count < pendingLimit, nextBatch < sampler.batchCount {
            let indices = sampler.indices(nextBatch)
            let (memory, images) = makeMemory(indices.count)
            pending.append(PendingBatch(indices: indices, memory: memory, images: images))
            nextBatch += 1
        }
    }

    /// The body of a loading thread.
    func work() {
        while let (batch, row) = claim() {
            let index = batch.indices[row]
            var failure: Error?
            do {
                let image = try ImageDecoder.decode(contentsOf: samples[index].file)
                transform.apply(image, sampleIndex: index, into: batch.images + row * imageFloats)
            } catch {
                failure = error
            }
            finish(batch, row, failure)
        }
    }

    /// Claims the next image to load. Waits while all images of the pending batches are claimed. Returns nil at the end of the epoch and
    /// after `stop`.
    private func claim() -> (PendingBatch, Int)? {
        condition.lock()
        defer { condition.unlock() }
        while !isStopped {
            if let batch = pending.first(where: { $0.nextRow < $0.indices.count }) {
                batch.nextRow += 1
                return (batch, batch.nextRow - 1)
            }
            if nextBatch == sampler.batchCount { return nil }
            condition.wait()
        }
        return nil
    }

    private func finish(_ batch: PendingBatch, _ row: Int, _ failure: Error?) {
        condition.lock()
        defer { condition.unlock() }
        if let failure, batch.failure.map({ row < $0.row }) ?? true { batch.failure = (row, failure) }
        batch.remaining -= 1
        if batch.remaining == 0 { condition.broadcast() }
    }

    func next() throws -> LoadedBatch<Memory>? {
        let start = DispatchTime.now().uptimeNanoseconds
        condition.lock()
        defer { condition.unlock() }
        guard !isStopped, let batch = pending.first else { return nil }
        addBatches()
        condition.broadcast()
        while !isStopped && batch.remaining > 0 { condition.wait() }
        waitingSeconds += Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
        if isStopped { return nil }
        pending.removeFirst()
        if let failure = batch.failure { throw failure.error }
        return LoadedBatch(memory: batch.memory, labels: batch.indices.map { samples[$0].label }, sampleIndices: batch.indices)
    }

    func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        condition.unlock()
    }
}
