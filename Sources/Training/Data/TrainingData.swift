import Communication
import Configuration
import DynamicResolution
import ImageData
import Inference
import Interchange
import Kernels
import NeuralNetwork

/// The image folder of a run, and the batches that this rank loads from it.
public final class TrainingData {
    public let folder: ImageDataset
    /// A checksum of the names of all classes and images.
    let namesChecksum: String
    /// The images that train the classifier, and those that train the decider. All training images for both, unless a part is held out.
    private let images: (classifier: [ImageDataset.Sample], decider: [ImageDataset.Sample])
    private let configuration: TrainingConfiguration
    private let rank: Int
    private let rankCount: Int
    private let decodingThreads: Int
    private let context: KernelContext

    /// Opens the folder and checks that every rank sees the same images. Collective.
    ///
    /// - Parameters:
    ///   - configuration: the same on all ranks.
    ///   - communicator: of this rank.
    ///   - context: of the batches' tensors. Decoding uses as many threads as the context has, unless the configuration sets a number.
    /// - Throws: `AgreedFailure` if ranks see different files; ImageData's errors for a folder that cannot be used.
    public convenience init(
        _ configuration: TrainingConfiguration, communicator: Communicator, context: KernelContext
    ) throws {
        let folder = try communicator.agree(label: "image folder") {
            let whole = try ImageDataset(path: configuration.data.folder)
            return try configuration.data.fold.map(whole.fold) ?? whole
        }
        try self.init(configuration, folder: folder, communicator: communicator, context: context)
    }

    /// Opens the validation images of a run's classes, and checks that every rank sees the same. Collective.
    ///
    /// The folder needs training images only if the configuration validates on a fold of them.
    ///
    /// - Parameters:
    ///   - configuration: the same on all ranks.
    ///   - classes: the run's classes, in the order of their labels.
    ///   - communicator: of this rank.
    ///   - context: of the batches' tensors.
    /// - Throws: `AgreedFailure` if ranks see different files; ImageData's errors for a folder that cannot be used.
    public convenience init(
        validationImagesOf configuration: TrainingConfiguration, classes: [String], communicator: Communicator, context: KernelContext
    ) throws {
        if configuration.data.fold != nil {
            try self.init(configuration, communicator: communicator, context: context)
        } else {
            let folder = try communicator.agree(label: "image folder") {
                try ImageDataset(validationImagesOf: configuration.data.folder, classes: classes)
            }
            try self.init(configuration, folder: folder, communicator: communicator, context: context)
        }
    }

    private init(
        _ configuration: TrainingConfiguration, folder: ImageDataset, communicator: Communicator, context: KernelContext
    ) throws {
        self.configuration = configuration
        self.context = context
        self.folder = folder
        namesChecksum = Self.namesChecksum(folder)
        images = try communicator.agree(label: "held-out images") { try Self.images(configuration, folder) }
        rank = communicator.rank
        rankCount = communicator.rankCount
        decodingThreads = configuration.data.decodingThreads > 0 ? configuration.data.decodingThreads : context.threads.count
        try DataAgreement.check(folder, seed: configuration.seed, communicator)
    }

    /// Divides the training images, if the decider has images of its own. Without training images there is nothing to divide.
    private static func images(
        _ configuration: TrainingConfiguration, _ folder: ImageDataset
    ) throws -> (classifier: [ImageDataset.Sample], decider: [ImageDataset.Sample]) {
        guard !folder.training.isEmpty, let part = CrossValidationFold("1/\(configuration.policy.heldOutParts)") else {
            return (folder.training, folder.training)
        }
        let divided = try folder.fold(part)
        return (divided.training, divided.validation)
    }

    private func images(_ plan: StagePlan) -> [ImageDataset.Sample] { plan.trainsDecider ? images.decider : images.classifier }

    /// Images of one micro-batch over all ranks.
    var microBatchSize: Int { configuration.optimizer.batchSize / configuration.optimizer.accumulationSteps }

    /// The number of training images of each class, in the order of the labels.
    var imagesPerClass: [Int] {
        folder.training.reduce(into: [Int](repeating: 0, count: folder.classes.count)) { $0[Int($1.label)] += 1 }
    }

    /// The last step of an epoch can have fewer micro-batches, and the last micro-batch fewer images.
    func stepsPerEpoch(_ plan: StagePlan) -> Int {
        let batches = (images(plan).count + microBatchSize - 1) / microBatchSize
        return (batches + configuration.optimizer.accumulationSteps - 1) / configuration.optimizer.accumulationSteps
    }

    /// The uses of images in an epoch, in order.
    private func items(_ plan: StagePlan, runEpoch: Int) -> [EpochItem] {
        TrainingOrder(
            sampling: configuration.data.sampling, repeats: configuration.data.repeats, seed: configuration.seed, epoch: runEpoch
        ).items(labels: images(plan).map(\.label))
    }

    /// The ledger of an epoch in which each use of the list happens once.
    func expectedLedger(_ plan: StagePlan, runEpoch: Int) -> EpochLedger {
        let samples = images(plan)
        var ledger = EpochLedger()
        ledger.add(
            items(plan, runEpoch: runEpoch).lazy.map { $0.key(imageCount: samples.count) }, of: samples, root: folder.path.utf8.count)
        return ledger
    }

    /// Adds the images of this rank's micro-batches to a ledger.
    func record(_ batches: [MicroBatch], _ plan: StagePlan, in ledger: inout EpochLedger) {
        for batch in batches { ledger.add(batch.sampleIndices, of: images(plan), root: folder.path.utf8.count) }
    }

    /// The paths, in the data set, of the images of micro-batches.
    ///
    /// - Parameter limit: the largest number of paths.
    func paths(of batches: [MicroBatch], _ plan: StagePlan, limit: Int) -> [String] {
        let samples = images(plan)
        return batches.lazy.flatMap(\.sampleIndices).prefix(limit).map { folder.relativePath(of: samples[$0 % samples.count]) }
    }

    /// The training images of an epoch of a stage, shuffled and augmented. The pass starts at the micro-batch `firstBatch`.
    ///
    /// - Parameter mixes: whether images are mixed with one another, if the configuration says so.
    func trainingBatches(_ plan: StagePlan, runEpoch: Int, firstBatch: Int, mixes: Bool = true) -> MicroBatches {
        let samples = images(plan)
        let (seed, augmentation, repeats) = (configuration.seed, configuration.data.augmentation, configuration.data.repeats)
        let sampler = EpochSampler(
            items: items(plan, runEpoch: runEpoch), batchSize: microBatchSize,
            batchesPerStep: configuration.optimizer.accumulationSteps, rank: rank, rankCount: rankCount)
        let mixer =
            mixes && augmentation.mixing.isActive
            ? ImageMixer(augmentation.mixing, size: size, seed: seed, epoch: runEpoch, repeats: repeats) : nil
        return batches(
            samples, sampler,
            transform: TrainingTransform(
                size: size, augmentation: augmentation, normalization: normalization, seed: seed, epoch: runEpoch),
            mixer: mixer, firstBatch: firstBatch)
    }

    /// This rank's share of the validation images.
    public func validationBatches() -> MicroBatches {
        batches(
            folder.validation,
            EpochSampler(
                count: folder.validation.count, batchSize: configuration.evaluation.batchSize * rankCount, rank: rank,
                rankCount: rankCount, order: .sequential),
            transform: evaluationTransform)
    }

    /// Resizes and crops images for evaluation.
    public var evaluationTransform: EvaluationTransform {
        EvaluationTransform(size: size, resizeRatio: configuration.data.widestResizeRatio, normalization: normalization)
    }

    private var size: Int { configuration.resolutions[0] }

    private var normalization: Normalization {
        Normalization(mean: configuration.data.mean, standardDeviation: configuration.data.standardDeviation)
    }

    private func batches(
        _ samples: [ImageDataset.Sample], _ sampler: EpochSampler, transform: ImageTransform, mixer: ImageMixer? = nil,
        firstBatch: Int = 0
    ) -> MicroBatches {
        let loader = PrefetchingLoader(
            samples: samples, size: size, transform: transform, sampler: sampler, mixer: mixer, firstBatch: firstBatch,
            threads: decodingThreads, prefetchBatches: configuration.data.prefetchBatches
        ) { [size, context] count in
            let images = Tensor(Shape(batch: count, height: size, width: size, channels: 3), context)
            return (images, images.data)
        }
        return MicroBatches(loader: loader, sampler: sampler, folder: folder.path)
    }

    private static func namesChecksum(_ folder: ImageDataset) -> String {
        let names =
            folder.classes
            + (folder.training + folder.validation).map { sample in
                "\(sample.label) /\(folder.relativePath(of: sample))"
            }
        let checksum = Array(names.joined(separator: "\n").utf8).withUnsafeBytes { CRC32($0) }
        return RunIdentity.checksumPrefix + String(checksum.value, radix: 16)
    }
}
