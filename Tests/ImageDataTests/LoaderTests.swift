import Foundation
import TestSupport
import XCTest
@testable import ImageData

final class LoaderTests: XCTestCase {
    private let size = 16

    /// A folder of small images and the transform of an epoch.
    private func withImages(_ body: ([ImageFolder.Sample], TrainingTransform) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let samples = try (0..<23).map { number -> ImageFolder.Sample in
                let path = "\(folder)/\(number).png"
                try ImageEncoder.writePNG(
                    PixelImage(width: 20 + number, height: 30, fill: (UInt8(number * 10), 100, UInt8(255 - number))), to: path)
                return ImageFolder.Sample(path: path, label: Int32(number % 3))
            }
            try body(samples, transform(epoch: 1))
        }
    }

    private func transform(epoch: Int) -> TrainingTransform {
        TrainingTransform(
            size: size, augmentation: AugmentationOptions(brightness: 0.3),
            normalization: Normalization(mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5]), seed: 1, epoch: epoch)
    }

    private func sampler(_ count: Int) -> EpochSampler {
        EpochSampler(count: count, batchSize: 5, rank: 0, rankCount: 1, order: .shuffled(seed: 2, epoch: 1))
    }

    private func loader(
        _ samples: [ImageFolder.Sample], _ transform: ImageTransform, threads: Int = 2, firstBatch: Int = 0, prefetch: Int = 2
    ) -> PrefetchingLoader {
        PrefetchingLoader(
            samples: samples, size: size, transform: transform, sampler: sampler(samples.count), firstBatch: firstBatch,
            threads: threads, prefetchBatches: prefetch)
    }

    private struct Batch: Equatable {
        var images: [Float]
        var labels: [Int32]
        var indices: [Int]
    }

    private func all(_ loader: PrefetchingLoader) throws -> [Batch] {
        var result: [Batch] = []
        while let batch = try loader.next() {
            result.append(
                Batch(
                    images: Array(UnsafeBufferPointer(start: batch.images, count: batch.count * size * size * 3)),
                    labels: batch.labels, indices: batch.sampleIndices))
        }
        return result
    }

    func testBatchesComeInOrderWithTheSameBitsAtAnyNumberOfThreads() throws {
        try withImages { samples, transform in
            let one = try all(loader(samples, transform, threads: 1, prefetch: 1))
            XCTAssertEqual(one.map(\.indices), (0..<5).map(sampler(23).indices))
            XCTAssertEqual(one[0].labels, one[0].indices.map { Int32($0 % 3) })
            for threads in [2, 5] { XCTAssertEqual(try all(loader(samples, transform, threads: threads, prefetch: 3)), one) }
            XCTAssertEqual(try all(loader(samples, transform, firstBatch: 3)), Array(one[3...]), "from the middle of the epoch")
        }
    }

    func testAugmentationBelongsToEpochAndImage() throws {
        try withImages { samples, transform in
            let other = try all(loader(samples, self.transform(epoch: 2)))
            XCTAssertNotEqual(try all(loader(samples, transform)), other)
        }
    }

    func testADamagedFileIsToldByNameWhenItsBatchComes() throws {
        try withImages { samples, transform in
            let third = sampler(23).indices(2)[0]
            try Data("no image".utf8).write(to: URL(fileURLWithPath: samples[third].path))
            let loader = loader(samples, transform)
            _ = try loader.next()
            _ = try loader.next()
            XCTAssertThrowsError(try loader.next()) { XCTAssertTrue("\($0)".contains(samples[third].path), "\($0)") }
        }
    }

    func testARankWithoutImagesGetsEmptyBatches() throws {
        try withImages { samples, transform in
            let sampler = EpochSampler(count: 3, batchSize: 1, rank: 0, rankCount: 4, order: .sequential)
            let loader = PrefetchingLoader(
                samples: samples, size: size, transform: transform, sampler: sampler, firstBatch: 0, threads: 2, prefetchBatches: 2)
            XCTAssertEqual(try all(loader).map(\.indices), [[], [], []])
        }
    }

    func testStoppingEndsAWaitingLoader() throws {
        try withImages { samples, transform in
            for _ in 0..<20 {
                let loader = loader(samples, transform)
                _ = try loader.next()
                loader.stop()
                XCTAssertNil(try loader.next())
            }
        }
    }
}
