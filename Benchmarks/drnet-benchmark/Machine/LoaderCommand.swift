import ArgumentParser
import Console
import Foundation
import ImageData
import Interchange

struct LoaderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loader", abstract: "Measures how fast training images are decoded with each augmentation.",
        discussion: """
            Counts the processor time of a loader with one thread, so that other programs matter little. The augmentations alternate; each
            ratio compares two measurements of the same round.
            """)

    @Argument(help: "An image folder with train/CLASS/ and val/CLASS/.")
    var folder: String
    @Option(help: "Height and width of the loaded images.")
    var pixels = 224
    @Option(help: "Images of a measurement.")
    var images = 256
    @Option(help: "Images of a batch.")
    var batch = 32
    @Option(help: "Rounds.")
    var rounds = 5

    func validate() throws {
        try Limits.require(pixels, in: Limits.pixels, "pixels")
        try Limits.require(images, in: 1...1_000_000, "images")
        try Limits.require(batch, in: Limits.batch, "batch")
        try Limits.require(rounds, in: Limits.repetitions, "rounds")
    }

    /// The measured augmentations. The first one is what the others are compared with.
    private static let cases: [(name: String, options: AugmentationOptions)] = [
        ("crop and flip", AugmentationOptions()),
        ("colour jitter", AugmentationOptions(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1)),
        ("trivialAugment", AugmentationOptions(trivialAugment: true)), ("erasing", AugmentationOptions(erasing: 1)),
        ("mixup", AugmentationOptions(mixing: MixingOptions(mixup: 0.2))),
        ("cutmix", AugmentationOptions(mixing: MixingOptions(cutmix: 1))),
        (
            "trivialAugment, erasing, mixup and cutmix",
            AugmentationOptions(trivialAugment: true, erasing: 1, mixing: MixingOptions(mixup: 0.2, cutmix: 1))
        ),
    ]

    func run() throws {
        let samples = try ImageDataset(path: folder).training
        _ = try seconds(samples, AugmentationOptions(), round: 0)
        var times = Self.cases.map { _ in [Double]() }
        for round in 1...rounds {
            for (index, one) in Self.cases.enumerated() { times[index].append(try seconds(samples, one.options, round: round)) }
        }
        var rows = [["augmentation", "images/s", "ratio"]]
        for (index, one) in Self.cases.enumerated() {
            let ratio = Spread(zip(times[0], times[index]).map { $0 / $1 })
            rows.append([
                one.name, String(format: "%.0f", Double(images) / Spread(times[index]).median),
                String(format: "%.2f (%.2f … %.2f)", ratio.median, ratio.smallest, ratio.largest),
            ])
        }
        try Console.result("\(pixels) pixels, batches of \(batch), \(images) images, \(rounds) rounds, one thread")
        try Console.result(TextTable.render(rows))
    }

    /// The processor time of loading the images once.
    private func seconds(_ samples: [ImageDataset.Sample], _ options: AugmentationOptions, round: Int) throws -> Double {
        // The same images in each round. A folder with fewer images is used several times.
        let items = (0..<images).map { EpochItem(index: $0 * 7919 % samples.count, repetition: $0 / samples.count) }
        let start = Self.processorSeconds
        let loader = PrefetchingLoader(
            samples: samples, size: pixels,
            transform: TrainingTransform(
                size: pixels, augmentation: options,
                normalization: Normalization(mean: [0.5, 0.5, 0.5], standardDeviation: [0.25, 0.25, 0.25]), seed: 1, epoch: round),
            sampler: EpochSampler(items: items, batchSize: batch, rank: 0, rankCount: 1),
            mixer: options.mixing.isActive ? ImageMixer(options.mixing, size: pixels, seed: 1, epoch: round) : nil, firstBatch: 0,
            threads: 1, prefetchBatches: 1
        ) { [pixels] count in
            let memory = Floats(count * pixels * pixels * 3, filled: 0)
            return (memory, memory.data)
        }
        while try loader.next() != nil {}
        return Self.processorSeconds - start
    }

    /// The processor time of this process.
    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
