import Foundation
import TestSupport
import XCTest

@testable import ImageData

final class LoaderTests: XCTestCase {
    private let size = 16

    /// Runs `body` with a folder of small images and the transform of an epoch.
    private func withImages(_ body: ([ImageDataset.Sample], TrainingTransform) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let samples = try (0..<23).map { number -> ImageDataset.Sample in
                let path = "\(folder)/\(number).png"
                try ImageEncoder.writePNG(
                    PixelImage(width: 20 + number, height: 30, fill: (UInt8(number * 10), 100, UInt8(255 - number))), to: path)
                return ImageDataset.Sample(path: path, label: Int32(number % 3))
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
        _ samples: [ImageDataset.Sample], _ transform: ImageTransform, threads: Int = 2, firstBatch: Int = 0, prefetch: Int = 2,
        sampler: EpochSampler? = nil, makeMemory: ((Int) -> Memory)? = nil
    ) -> PrefetchingLoader<Memory> {
        PrefetchingLoader(
            samples: samples, size: size, transform: transform, sampler: sampler ?? self.sampler(samples.count), firstBatch: firstBatch,
            threads: threads, prefetchBatches: prefetch
        ) { [size] count in
            let memory = makeMemory?(count) ?? Memory(floats: count * size * size * 3)
            return (memory, memory.images)
        }
    }

    /// Memory for a batch, as a caller supplies it.
    private final class Memory {
        let images: UnsafeMutablePointer<Float>

        init(floats: Int) { images = .allocate(capacity: floats) }
        deinit { images.deallocate() }
    }

    private struct Batch: Equatable {
        var images: [Float]
        var labels: [Int32]
        var indices: [Int]
    }

    private func all(_ loader: PrefetchingLoader<Memory>) throws -> [Batch] {
        var result: [Batch] = []
        while let batch = try loader.next() {
            result.append(
                Batch(
                    images: Array(UnsafeBufferPointer(start: batch.memory.images, count: batch.count * size * size * 3)),
                    labels: batch.labels, indices: batch.sampleIndices))
        }
        return result
    }

    func testOrderAndBitsOfBatchesDoNotDependOnTheNumberOfThreads() throws {
        try withImages { samples, transform in
            let one = try all(loader(samples, transform, threads: 1, prefetch: 1))
            XCTAssertEqual(one.map(\.indices), (0..<5).map(sampler(23).indices))
            XCTAssertEqual(one[0].labels, one[0].indices.map { Int32($0 % 3) })
            for threads in [2, 5] { XCTAssertEqual(try all(loader(samples, transform, threads: threads, prefetch: 3)), one) }
            XCTAssertEqual(try all(loader(samples, transform, firstBatch: 3)), Array(one[3...]), "from the middle of the epoch")
        }
    }

    func testAugmentationDependsOnEpochAndImage() throws {
        try withImages { samples, transform in
            let other = try all(loader(samples, self.transform(epoch: 2)))
            XCTAssertNotEqual(try all(loader(samples, transform)), other)
        }
    }

    func testTheBatchOfADamagedFileThrowsAnErrorThatNamesTheFile() throws {
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
            XCTAssertEqual(try all(loader(samples, transform, sampler: sampler)).map(\.indices), [[], [], []])
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

    func testBatchesAreWrittenToTheMemoryThatTheCallerSupplies() throws {
        try withImages { samples, transform in
            let expected = try all(loader(samples, transform))
            var made: [Memory] = []
            let caller = Thread.current
            let loader = loader(samples, transform, prefetch: 2) { count in
                XCTAssertEqual(Thread.current, caller)
                made.append(Memory(floats: count * self.size * self.size * 3))
                return made[made.count - 1]
            }
            for (number, batch) in expected.enumerated() {
                // One is the next batch, and two are prefetched.
                XCTAssertEqual(made.count, min(number + 2 + (number == 0 ? 1 : 0), 5))
                let loaded = try XCTUnwrap(try loader.next())
                XCTAssertTrue(loaded.memory === made[number])
                XCTAssertEqual(Array(UnsafeBufferPointer(start: loaded.memory.images, count: batch.images.count)), batch.images)
            }
            XCTAssertNil(try loader.next())
        }
    }

    func testMemoryIsReleasedWithTheBatchAndWithTheLoader() throws {
        try withImages { samples, transform in
            let (made, live) = try { () -> (Int, [WeakMemory]) in
                var references: [WeakMemory] = []
                let loader = self.loader(samples, transform, prefetch: 1) { count in
                    let memory = Memory(floats: count * self.size * self.size * 3)
                    references.append(WeakMemory(memory: memory))
                    return memory
                }
                while let batch = try loader.next() {
                    XCTAssertLessThanOrEqual(references.filter { $0.memory != nil }.count, 2 + 1)
                    withExtendedLifetime(batch) {}
                }
                _ = try self.loader(samples, transform) { count in
                    let memory = Memory(floats: count * self.size * self.size * 3)
                    references.append(WeakMemory(memory: memory))
                    return memory
                }.next()
                return (references.count, references)
            }()
            XCTAssertEqual(made, 5 + 3)
            let end = Date().addingTimeInterval(5)
            while live.contains(where: { $0.memory != nil }) && Date() < end { Thread.sleep(forTimeInterval: 0.01) }
            XCTAssertEqual(live.filter { $0.memory != nil }.count, 0)
        }
    }

    private struct WeakMemory {
        weak var memory: Memory?
    }
}
