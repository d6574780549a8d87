import DynamicResolution
import ImageData
import NeuralNetwork

/// The micro-batches of this rank in one pass over the data.
public final class MicroBatches {
    private let loader: PrefetchingLoader<Tensor>
    private let sampler: EpochSampler
    private let folder: String

    /// - Parameter folder: the path of the data set, for errors.
    init(loader: PrefetchingLoader<Tensor>, sampler: EpochSampler, folder: String) {
        self.loader = loader
        self.sampler = sampler
        self.folder = folder
    }

    /// Micro-batches of the whole pass, including those before the first one that is loaded.
    var count: Int { sampler.batchCount }

    /// Number of images of a micro-batch, over all ranks.
    func globalCount(_ batch: Int) -> Int { sampler.globalCount(batch) }

    /// Seconds in which training waited for images.
    var waitingSeconds: Double { loader.waitingSeconds }

    /// The next micro-batch; empty if this rank has none of its images, nil at the end.
    ///
    /// - Throws: `UnusableImage`
    public func next() throws -> MicroBatch? {
        do {
            return try loader.next().map {
                MicroBatch(
                    images: $0.memory, labels: $0.labels, sampleIndices: $0.sampleIndices, partnerLabels: $0.partnerLabels,
                    partnerShares: $0.partnerShares)
            }
        } catch let error as ImageError {
            throw UnusableImage(reason: error, folder: folder)
        }
    }

    /// Ends the loader's threads.
    func stop() { loader.stop() }
}

/// An image of a data set cannot be used.
public struct UnusableImage: Error, CustomStringConvertible {
    /// What is wrong with the file.
    public let reason: ImageError
    let folder: String

    public var description: String { "\(reason); 'drnet check-data \(folder)' lists all such files of the data set" }
}
