import Kernels
import NeuralNetwork

/// Images that the predictor sent to one resolution. They are resized already and wait until a batch is full.
struct ResolutionQueue {
    /// A waiting image.
    struct Entry {
        /// The image's index among those that this rank loaded.
        var position: Int
        var label: Int
    }

    /// `[batchSize, resolution, resolution, 3]`; the first `entries.count` images are in use.
    private let images: Tensor
    private let batchSize: Int
    private(set) var entries: [Entry] = []

    init(batchSize: Int, resolution: Int, _ context: KernelContext) {
        self.batchSize = batchSize
        images = Tensor(Shape(batch: batchSize, height: resolution, width: resolution, channels: 3), context)
    }

    var isFull: Bool { entries.count == batchSize }

    /// Copies an image to the end of the queue. The queue must not be full.
    mutating func append(_ entry: Entry, pixels: UnsafePointer<Float>) {
        images.image(entries.count).update(from: pixels, count: images.shape.count / batchSize)
        entries.append(entry)
    }

    /// Empties the queue.
    ///
    /// - Returns: the waiting images and their entries. The images are valid until the next `append`.
    mutating func takeAll() -> (images: Tensor, entries: [Entry]) {
        defer { entries = [] }
        return (isFull ? images : images.gathering(Array(entries.indices)), entries)
    }
}
