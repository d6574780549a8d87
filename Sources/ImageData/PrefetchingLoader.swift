import Foundation

/// A batch that the loader has ready.
public struct LoadedBatch {
    /// [count, size, size, 3]; belongs to the loader and is valid until the next call of `next`.
    public var images: UnsafeMutablePointer<Float>
    public var count: Int
    public var labels: [Int32]
    /// The images' indices in their split.
    public var sampleIndices: [Int]
}

/// Decodes and transforms batches ahead of their use, on threads of its own. Batches come in the sampler's order, and their contents do
/// not depend on the number of threads. `next` and `stop` are for one thread.
public final class PrefetchingLoader {
    private let queue: LoadingQueue

    /// - Parameters:
    ///   - firstBatch: where to begin, to resume in the middle of an epoch.
    ///   - prefetchBatches: how many batches may be ready or under way at once.
    public init(
        samples: [ImageFolder.Sample], size: Int, transform: ImageTransform, sampler: EpochSampler, firstBatch: Int,
        threads: Int, prefetchBatches: Int
    ) {
        queue = LoadingQueue(
            samples: samples, size: size, transform: transform, sampler: sampler, firstBatch: firstBatch,
            slotCount: max(1, prefetchBatches) + 1)
        for index in 0..<max(1, threads) {
            // Threads hold the queue, not the loader, so that forgetting the loader ends them.
            let thread = Thread { [queue] in queue.work() }
            thread.name = "image loader \(index)"
            thread.start()
        }
    }

    deinit { queue.stop() }

    /// The next batch, empty where this rank has no image of it; nil at the end of the epoch.
    ///
    /// - Throws: what was wrong with an image, naming its file.
    public func next() throws -> LoadedBatch? { try queue.next() }

    /// Seconds that `next` had to wait in all.
    public var waitingSeconds: Double { queue.waitingSeconds }

    /// Ends the threads after the images that they are at.
    public func stop() { queue.stop() }
}

/// The batches under way: a ring of slots that threads fill image by image.
private final class LoadingQueue: @unchecked Sendable {
    private final class Slot {
        var buffer: UnsafeMutablePointer<Float>?
        var capacity = 0
        var indices: [Int] = []
        /// Images that are not done yet.
        var remaining = 0
        /// The first image that failed.
        var failure: (row: Int, error: Error)?

        deinit { buffer?.deallocate() }
    }

    private let samples: [ImageFolder.Sample]
    private let imageFloats: Int
    private let transform: ImageTransform
    private let sampler: EpochSampler
    private let condition = NSCondition()
    private let slots: [Slot]
    /// The image that is claimed next.
    private var (nextBatch, nextRow) = (0, 0)
    /// The batch that is handed out next; the one before it is still in use.
    private var current: Int
    private let firstBatch: Int
    private var isStopped = false
    private(set) var waitingSeconds = 0.0

    init(
        samples: [ImageFolder.Sample], size: Int, transform: ImageTransform, sampler: EpochSampler, firstBatch: Int,
        slotCount: Int
    ) {
        self.samples = samples
        self.transform = transform
        self.sampler = sampler
        self.firstBatch = firstBatch
        imageFloats = size * size * 3
        slots = (0..<slotCount).map { _ in Slot() }
        current = firstBatch
        nextBatch = firstBatch
    }

    /// A thread's life.
    func work() {
        while let (slot, row) = claim() {
            let index = slot.indices[row]
            var failure: Error?
            do {
                let image = try ImageDecoder.decode(contentsOf: samples[index].path)
                transform.apply(image, sampleIndex: index, into: slot.buffer! + row * imageFloats)
            } catch {
                failure = error
            }
            finish(slot, row, failure)
        }
    }

    /// The next image to load; waits for a free slot. Nil when all are claimed or the loader was stopped.
    private func claim() -> (Slot, Int)? {
        condition.lock()
        defer { condition.unlock() }
        while !isStopped && nextBatch < sampler.batchCount {
            // The slot before `current` is in use by the caller.
            guard nextBatch - current < slots.count - (current > firstBatch ? 1 : 0) else {
                condition.wait()
                continue
            }
            let slot = slots[nextBatch % slots.count]
            if nextRow == 0 { open(slot, nextBatch) }
            guard nextRow < slot.indices.count else {
                // This rank has no image of the batch.
                nextBatch += 1
                nextRow = 0
                condition.broadcast()
                continue
            }
            let row = nextRow
            nextRow += 1
            if nextRow == slot.indices.count {
                nextBatch += 1
                nextRow = 0
            }
            return (slot, row)
        }
        return nil
    }

    private func open(_ slot: Slot, _ batch: Int) {
        slot.indices = sampler.indices(batch)
        slot.remaining = slot.indices.count
        slot.failure = nil
        let floats = max(slot.indices.count * imageFloats, 1)
        guard floats > slot.capacity else { return }
        slot.buffer?.deallocate()
        slot.buffer = .allocate(capacity: floats)
        slot.capacity = floats
    }

    private func finish(_ slot: Slot, _ row: Int, _ failure: Error?) {
        condition.lock()
        defer { condition.unlock() }
        if let failure, slot.failure.map({ row < $0.row }) ?? true { slot.failure = (row, failure) }
        slot.remaining -= 1
        if slot.remaining == 0 { condition.broadcast() }
    }

    func next() throws -> LoadedBatch? {
        let start = DispatchTime.now().uptimeNanoseconds
        condition.lock()
        defer { condition.unlock() }
        guard current < sampler.batchCount, !isStopped else { return nil }
        let batch = current
        current += 1
        // The batch before is no longer in use: its slot may be filled again.
        condition.broadcast()
        let slot = slots[batch % slots.count]
        // All its images are claimed, and none is under way any more.
        while !isStopped && (nextBatch <= batch || slot.remaining > 0) { condition.wait() }
        waitingSeconds += Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
        if isStopped { return nil }
        if let failure = slot.failure { throw failure.error }
        return LoadedBatch(
            images: slot.buffer!, count: slot.indices.count, labels: slot.indices.map { samples[$0].label },
            sampleIndices: slot.indices)
    }

    func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        condition.unlock()
    }
}
