import Foundation
import TestSupport
import XCTest

@testable import ImageData

/// Compares the batches of a loader that mixes images with unmixed images that the test mixes itself.
final class MixedLoaderTests: XCTestCase {
    private let size = 12
    private let count = 27

    private final class Memory {
        let images: UnsafeMutablePointer<Float>

        init(floats: Int) { images = .allocate(capacity: floats) }
        deinit { images.deallocate() }
    }

    /// An image of a batch.
    private struct Row: Equatable {
        var pixels: [Float]
        var label: Int32
        var partnerLabel: Int32?
        var share: Float?
    }

    private func withImages(_ body: ([ImageDataset.Sample]) throws -> Void) throws {
        try withTemporaryFolder { folder in
            try body(
                (0..<count).map { number in
                    let path = "\(folder)/\(number).png"
                    var image = PixelImage(width: 20, height: 16 + number, fill: (UInt8(number * 9), 100, UInt8(255 - number)))
                    for index in image.pixels.indices { image.pixels[index] &+= UInt8(truncatingIfNeeded: index * 7) }
                    try ImageEncoder.writePNG(image, to: path)
                    return ImageDataset.Sample(path: path, label: Int32(number % 4))
                })
        }
    }

    private let options = MixingOptions(mixup: 0.8, cutmix: 1, probability: 0.8)

    private func mixer(repeats: Int) -> ImageMixer { ImageMixer(options, size: size, seed: 1, epoch: 3, repeats: repeats) }

    private func items(_ samples: [ImageDataset.Sample], repeats: Int) -> [EpochItem] {
        TrainingOrder(repeats: repeats, seed: 6, epoch: 3).items(labels: samples.map(\.label))
    }

    /// The rows of all batches of one rank, by the key of the image.
    private func rows(
        _ samples: [ImageDataset.Sample], _ sampler: EpochSampler, _ mixer: ImageMixer?, threads: Int = 2
    ) throws -> [Int: Row] {
        let loader = PrefetchingLoader(
            samples: samples, size: size,
            transform: TrainingTransform(
                size: size, augmentation: AugmentationOptions(),
                normalization: Normalization(mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5]), seed: 1, epoch: 3),
            sampler: sampler, mixer: mixer, firstBatch: 0, threads: threads, prefetchBatches: 2
        ) { [size] count in
            let memory = Memory(floats: count * size * size * 3)
            return (memory, memory.images)
        }
        var result: [Int: Row] = [:]
        while let batch = try loader.next() {
            for row in 0..<batch.count {
                let floats = size * size * 3
                result[batch.sampleIndices[row]] = Row(
                    pixels: Array(UnsafeBufferPointer(start: batch.memory.images + row * floats, count: floats)), label: batch.labels[row],
                    partnerLabel: batch.partnerLabels.isEmpty ? nil : batch.partnerLabels[row],
                    share: batch.partnerShares.isEmpty ? nil : batch.partnerShares[row])
            }
        }
        return result
    }

    private func merged(_ parts: [[Int: Row]]) -> [Int: Row] {
        parts.reduce(into: [:]) { result, part in result.merge(part) { first, _ in first } }
    }

    /// Mixes unmixed images by the rule that the documentation states.
    private func expected(_ samples: [ImageDataset.Sample], repeats: Int, step: Int) throws -> [Int: Row] {
        let items = items(samples, repeats: repeats)
        let plain = try rows(samples, EpochSampler(items: items, batchSize: step, rank: 0, rankCount: 1), nil)
        let mixer = mixer(repeats: repeats)
        var result: [Int: Row] = [:]
        for (place, item) in items.enumerated() {
            let first = place / step * step
            let length = min(step, items.count - first)
            let partner = items[first + (place - first + length * repeats - repeats) % length]
            let key = item.key(imageCount: count)
            var row = try XCTUnwrap(plain[key])
            let other = try XCTUnwrap(plain[partner.key(imageCount: count)])
            let mixture = partner == item ? Mixture.none : mixer.mixture(key: key)
            mixture.apply(&row.pixels, other.pixels, size: size)
            (row.partnerLabel, row.share) = (other.label, mixture.share(size: size))
            result[key] = row
        }
        return result
    }

    func testMixedImagesDependNeitherOnRanksNorOnMicroBatches() throws {
        try withImages { samples in
            for repeats in [1, 3] {
                // Steps of 12, 12 and 3 images; and of 13, 13 and 1.
                for step in [12, 13] {
                    let expected = try expected(samples, repeats: repeats, step: step)
                    XCTAssertGreaterThan(expected.values.filter { $0.share! > 0 }.count, 15)
                    XCTAssertEqual(expected.count, count)
                    for (ranks, parts) in [(1, 1), (2, 1), (3, 1), (1, 2), (3, 4), (15, 1)] where step % parts == 0 {
                        let actual = try (0..<ranks).map { rank in
                            try rows(
                                samples,
                                EpochSampler(
                                    items: items(samples, repeats: repeats), batchSize: step / parts, batchesPerStep: parts, rank: rank,
                                    rankCount: ranks), mixer(repeats: repeats), threads: ranks % 3 + 1)
                        }
                        XCTAssertTrue(
                            merged(actual) == expected, "\(repeats) repeats, steps of \(step), \(ranks) ranks, \(parts) micro-batches")
                    }
                }
            }
        }
    }

    func testALoaderThatMixesNothingHasNoPartners() throws {
        try withImages { samples in
            let rows = try rows(samples, EpochSampler(items: items(samples, repeats: 1), batchSize: 5, rank: 0, rankCount: 1), nil)
            XCTAssertTrue(rows.values.allSatisfy { $0.partnerLabel == nil && $0.share == nil })
        }
    }

    func testADamagedPartnerOfAnotherRankIsNamed() throws {
        try withImages { samples in
            let sampler = EpochSampler(items: items(samples, repeats: 1), batchSize: 12, rank: 1, rankCount: 2)
            let mixer = ImageMixer(MixingOptions(mixup: 1), size: size, seed: 1, epoch: 3)
            let partner = samples[sampler.partners(0, shift: 1)[0].index].path
            XCTAssertFalse(sampler.indices(0).contains { samples[$0].path == partner })
            try Data("no image".utf8).write(to: URL(fileURLWithPath: partner))
            XCTAssertThrowsError(try rows(samples, sampler, mixer)) { XCTAssertTrue("\($0)".contains(partner), "\($0)") }
        }
    }
}
