import Foundation

/// A loaded batch of images.
public struct LoadedBatch<Memory> {
    /// The memory that `makeMemory` returned for this batch, filled with the images. It belongs to the caller now.
    public var memory: Memory
    /// The class index of each image.
    public var labels: [Int32]
    /// The key of each image: its index in its split, plus the number of the split's images for each earlier use of the image in this
    /// epoch.
    public var sampleIndices: [Int]
    /// The class index of the image that each image is mixed with; empty if the loader mixes nothing.
    public var partnerLabels: [Int32]
    /// The share of the partner in each image, 0 … 1; empty if the loader mixes nothing. The target of image i is
    /// (1 − share_i) · onehot(label_i) + share_i · onehot(partnerLabel_i).
    public var partnerShares: [Float]

    /// The number of images.
    public var count: Int { labels.count }
}

/// Decodes and transforms batches in advance, on its own threads, directly into memory that the caller supplies.
///
/// Batches arrive in the sampler's order. Their contents do not depend on the number of threads. The same thread must call `init`, `next`
/// and `stop`.
///
/// The loader owns the memory of a batch from `makeMemory` until `next` returns the batch. It does not write to that memory afterwards.
public final class PrefetchingLoader<Memory> {
    private let queue: LoadingQueue<Memory>

    /// Starts loading the batches of one epoch.
    ///
    /// - Parameters:
    ///   - samples: the images that the sampler's indices refer to.
    ///   - size: height and width of a transformed image, in pixels.
    ///   - transform: converts a decoded image to an input.
    ///   - sampler: the images of each batch.
    ///   - mixer: mixes images with one another; nil for none. Partners are loaded with their own augmentation, by the same transform.
    ///   - firstBatch: the first batch to load. It is not 0 when a run resumes in the middle of an epoch.
    ///   - threads: the number of loading threads, at least 1.
    ///   - prefetchBatches: the number of batches that can be ready or in progress, in addition to the one that `next` returns. At least 1.
    ///   - makeMemory: allocates memory for a number of images, and returns it with the address of its [count, size, size, 3] floats. The
    ///     floats can be uninitialised. `init` and `next` call this closure on their caller's thread.
    public init(
        samples: [ImageDataset.Sample], size: Int, transform: ImageTransform, sampler: EpochSampler, mixer: ImageMixer? = nil,
        firstBatch: Int, threads: Int, prefetchBatches: Int,
        makeMemory: @escaping (_ imageCount: Int) -> (memory: Memory, images: UnsafeMutablePointer<Float>)
    ) {
        queue = LoadingQueue(
            samples: samples, size: size, transform: transform, sampler: sampler, mixer: mixer, firstBatch: firstBatch,
            pendingLimit: max(1, prefetchBatches) + 1, makeMemory: makeMemory)
        for index in 0..<max(1, threads) {
            // The threads retain the queue but not the loader, so that they end after the last reference to the loader is gone.
            let thread = Thread { [queue] in queue.work() }
            thread.name = "image loader \(index)"
            thread.start()
        }
    }

    deinit { queue.stop() }

    /// Returns the next batch, and waits until it is loaded. The batch is empty if this rank has none of its images. Returns nil at the end
    /// of the epoch and after `stop`.
    ///
    /// - Throws: the error of the first failed image of the batch. The error names the file.
    public func next() throws -> LoadedBatch<Memory>? { try queue.next() }

    /// The total time that `next` has waited for images, in seconds.
    public var waitingSeconds: Double { queue.waitingSeconds }

    /// Stops loading. Each thread ends after its current image.
    public func stop() { queue.stop() }
}
