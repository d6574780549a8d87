import Foundation

/// A batch that the loader has filled.
public struct LoadedBatch<Memory> {
    /// What `makeMemory` returned for this batch, filled. It belongs to the caller from now on.
    public var memory: Memory
    public var labels: [Int32]
    /// The images' indices in their split.
    public var sampleIndices: [Int]

    public var count: Int { labels.count }
}

/// Decodes and transforms batches ahead of their use, on threads of its own, directly into memory that the caller supplies.
///
/// Batches come in the sampler's order, and their contents do not depend on the number of threads. One thread calls `init`, `next` and
/// `stop`.
///
/// The loader owns the memory of a batch from `makeMemory` until `next` returns the batch, and does not write to it afterwards.
public final class PrefetchingLoader<Memory> {
    private let queue: LoadingQueue<Memory>

    /// - Parameters:
    ///   - firstBatch: the first batch to load, to resume in the middle of an epoch.
    ///   - prefetchBatches: how many batches can be ready or in progress besides the one that `next` returns.
    ///   - makeMemory: makes the memory for a number of images, and returns the address of its [count, size, size, 3] floats with it. It can
    ///     be uninitialised. `init` and `next` call this, on their caller's thread.
    public init(
        samples: [ImageFolder.Sample], size: Int, transform: ImageTransform, sampler: EpochSampler, firstBatch: Int,
        threads: Int, prefetchBatches: Int,
        makeMemory: @escaping (_ imageCount: Int) -> (memory: Memory, images: UnsafeMutablePointer<Float>)
    ) {
        queue = LoadingQueue(
            samples: samples, size: size, transform: transform, sampler: sampler, firstBatch: firstBatch,
            pendingLimit: max(1, prefetchBatches) + 1, makeMemory: makeMemory)
        for index in 0..<max(1, threads) {
            // Threads hold the queue and not the loader: they end when the last reference to the loader goes.
            let thread = Thread { [queue] in queue.work() }
            thread.name = "image loader \(index)"
            thread.start()
        }
    }

    deinit { queue.stop() }

    /// The next batch; empty where this rank has no image of it, nil at the end of the epoch.
    ///
    /// - Throws: the error of the batch's first image that failed, which names its file.
    public func next() throws -> LoadedBatch<Memory>? { try queue.next() }

    /// Seconds that `next` has waited, in total.
    public var waitingSeconds: Double { queue.waitingSeconds }

    /// Ends each thread after its current image.
    public func stop() { queue.stop() }
}
