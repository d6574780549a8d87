import Inference
import Configuration
import Communication
import Foundation
import ImageData
import Kernels
import Interchange
import NeuralNetwork
import DynamicResolution

/// The image folder of a run and the batches that this rank loads from it.
public final class TrainingData {
    public let folder: ImageFolder
    /// Follows from the names of all classes and images, as the folder holds them.
    let namesChecksum: String
    private let configuration: TrainingConfiguration
    private let rank: Int
    private let rankCount: Int
    private let decodingThreads: Int
    private let context: KernelContext

    /// Opens the folder and makes sure that every rank sees the same. Collective.
    ///
    /// - Parameter context: of the batches' tensors. Decoding uses as many threads as it has, unless the configuration sets a number.
    public init(
        _ configuration: TrainingConfiguration, communicator: Communicator, context: KernelContext
    ) throws {
        self.configuration = configuration
        self.context = context
        let whole = try ImageFolder(path: configuration.data.folder)
        folder = try configuration.data.fold.map(whole.fold) ?? whole
        namesChecksum = Self.namesChecksum(folder)
        rank = communicator.rank
        rankCount = communicator.rankCount
        decodingThreads = configuration.data.decodingThreads > 0 ? configuration.data.decodingThreads : context.threads.count
        try checkAgreement(communicator)
    }

    /// Images of one micro-batch over all ranks.
    var microBatchSize: Int { configuration.optimizer.batchSize / configuration.optimizer.accumulationSteps }

    func stepsPerEpoch() -> Int {
        let batches = (folder.training.count + microBatchSize - 1) / microBatchSize
        return (batches + configuration.optimizer.accumulationSteps - 1) / configuration.optimizer.accumulationSteps
    }

    /// The training images of an epoch, shuffled and augmented, from the micro-batch `firstBatch` on.
    func trainingBatches(runEpoch: Int, firstBatch: Int) -> MicroBatches {
        batches(
            folder.training, batchSize: microBatchSize, order: .shuffled(seed: configuration.seed, epoch: runEpoch),
            transform: TrainingTransform(
                size: size, augmentation: configuration.data.augmentation, normalization: normalization,
                seed: configuration.seed, epoch: runEpoch),
            firstBatch: firstBatch)
    }

    /// This rank's share of the validation images.
    public func validationBatches() -> MicroBatches {
        batches(
            folder.validation, batchSize: configuration.evaluation.batchSize * rankCount, order: .sequential,
            transform: evaluationTransform)
    }

    public var evaluationTransform: EvaluationTransform {
        EvaluationTransform(size: size, resizeRatio: configuration.data.resizeRatio, normalization: normalization)
    }

    private var size: Int { configuration.resolutions[0] }

    private var normalization: Normalization {
        Normalization(mean: configuration.data.mean, standardDeviation: configuration.data.standardDeviation)
    }

    private func batches(
        _ samples: [ImageFolder.Sample], batchSize: Int, order: EpochSampler.Order, transform: ImageTransform,
        firstBatch: Int = 0
    ) -> MicroBatches {
        let sampler = EpochSampler(
            count: samples.count, batchSize: batchSize, rank: rank, rankCount: rankCount, order: order)
        let loader = PrefetchingLoader(
            samples: samples, size: size, transform: transform, sampler: sampler, firstBatch: firstBatch,
            threads: decodingThreads, prefetchBatches: configuration.data.prefetchBatches
        ) { [size, context] count in
            let images = Tensor(Shape(batch: count, height: size, width: size, channels: 3), context)
            return (images, images.data)
        }
        return MicroBatches(loader: loader, sampler: sampler)
    }

    private static func namesChecksum(_ folder: ImageFolder) -> String {
        let names =
            folder.classes
            + (folder.training + folder.validation).map { sample in
                "\(sample.label) \(String(sample.path.dropFirst(folder.path.count)))"
            }
        let checksum = Array(names.joined(separator: "\n").utf8).withUnsafeBytes { CRC32($0) }
        return RunIdentity.checksumPrefix + String(checksum.value, radix: 16)
    }

    /// Ranks that read different folders would train on rubbish without a word.
    private func checkAgreement(_ communicator: Communicator) throws {
        let summary =
            "\(folder.classes.count) classes, \(folder.training.count) training and "
            + "\(folder.validation.count) validation images, checksum of the names \(namesChecksum)"
        let all = try communicator.allGatherStrings("\(communicator.hostName)|\(summary)", label: "image folders")
            .map { $0.split(separator: "|", maxSplits: 1).map(String.init) }
        guard let different = all.indices.first(where: { all[$0][1] != all[0][1] }) else { return }
        throw DataAgreementError(
            path: folder.path, rank: different, host: all[different][0], found: all[different][1], expected: all[0][1])
    }
}

/// Ranks see different image folders.
struct DataAgreementError: Error, CustomStringConvertible {
    var path: String
    var rank: Int
    var host: String
    var found: String
    var expected: String

    var description: String {
        "\(path): rank \(rank) on \(host) sees \(found), but rank 0 sees \(expected); every host needs the same files under the same path"
    }
}

/// The micro-batches of this rank in one pass over the data.
public final class MicroBatches {
    private let loader: PrefetchingLoader<Tensor>
    private let sampler: EpochSampler

    init(loader: PrefetchingLoader<Tensor>, sampler: EpochSampler) {
        self.loader = loader
        self.sampler = sampler
    }

    /// Micro-batches of the whole pass, those before the first included.
    var count: Int { sampler.batchCount }

    /// Images of a micro-batch over all ranks.
    func globalCount(_ batch: Int) -> Int { sampler.globalCount(batch) }

    /// Seconds that training had to wait for images.
    var waitingSeconds: Double { loader.waitingSeconds }

    /// The next micro-batch; empty where this rank has none of its images, nil at the end.
    public func next() throws -> MicroBatch? {
        try loader.next().map { MicroBatch(images: $0.memory, labels: $0.labels, sampleIndices: $0.sampleIndices) }
    }

    func stop() { loader.stop() }
}
