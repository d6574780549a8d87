import DynamicResolution
import ImageData
import NeuralNetwork

/// The micro-batches of this rank in one pass over the data.
public final class MicroBatches {
    private let loader: PrefetchingLoader<Tensor>
    private let sampler: EpochSampler

    init(loader: PrefetchingLoader<Tensor>, sampler: EpochSampler) {
        self.loader = loader
        self.sampler = sampler
    }

    /// Micro-batches of the whole pass, including those before the first one that is loaded.
    var count: Int { sampler.batchCount }

    /// Number of images of a micro-batch, over all ranks.
    func globalCount(_ batch: Int) -> Int { sampler.globalCount(batch) }

    /// Seconds in which training waited for images.
    var waitingSeconds: Double { loader.waitingSeconds }

    /// The next micro-batch; empty if this rank has none of its images, nil at the end.
    public func next() throws -> MicroBatch? {
        try loader.next().map { MicroBatch(images: $0.memory, labels: $0.labels, sampleIndices: $0.sampleIndices) }
    }

    /// Ends the loader's threads.
    func stop() { loader.stop() }
}
