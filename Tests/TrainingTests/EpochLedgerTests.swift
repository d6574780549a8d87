import ImageData
import XCTest

@testable import Training

final class EpochLedgerTests: XCTestCase {
    private let samples = (0..<37).map { ImageDataset.Sample(path: "/data/train/\($0 % 3)/\($0).jpg", label: Int32($0 % 3)) }
    private let root = "/data".utf8.count

    private func ledger(_ keys: some Sequence<Int>, of samples: [ImageDataset.Sample]? = nil, root: Int? = nil) -> EpochLedger {
        var ledger = EpochLedger()
        ledger.add(keys, of: samples ?? self.samples, root: root ?? self.root)
        return ledger
    }

    func testEverySplitOverRanksHasTheSumsOfTheEpoch() throws {
        let items = TrainingOrder(repeats: 2, seed: 1, epoch: 4).items(labels: samples.map(\.label))
        let expected = ledger(items.map { $0.key(imageCount: samples.count) })
        XCTAssertEqual(expected.images, 37)
        for ranks in 1...5 {
            var sum = EpochLedger()
            for rank in (0..<ranks).reversed() {
                let sampler = EpochSampler(items: items, batchSize: 8, rank: rank, rankCount: ranks)
                let keys = (0..<sampler.batchCount).flatMap { sampler.items($0).map { $0.key(imageCount: samples.count) } }
                let part = ledger(keys)
                sum.add(images: part.images, digest: part.digest)
            }
            XCTAssertEqual(sum, expected, "\(ranks) ranks")
            XCTAssertNoThrow(try sum.require(expected, stage: "warmUp", epoch: 1))
        }
    }

    func testTheDigestDoesNotDependOnWhereADataSetIsMounted() {
        let elsewhere = samples.map { ImageDataset.Sample(path: "/mnt/other" + $0.path, label: $0.label) }
        XCTAssertEqual(ledger(0..<37), ledger(0..<37, of: elsewhere, root: "/mnt/other/data".utf8.count))
    }

    func testImagesThatAreLostRepeatedOrExchangedAreErrors() throws {
        let expected = ledger(0..<37)
        let relabelled = samples.map { ImageDataset.Sample(path: $0.path, label: $0.label == 2 ? 1 : $0.label) }
        let cases = [
            (ledger(0..<36), "used 36 images instead of 37"), (ledger(Array(0..<37) + [5]), "used 38 images instead of 37"),
            (ledger(Array(0..<36) + [5]), "used 37 images, but not those of the epoch's list"),
            (ledger(Array(1..<37) + [37]), "not those of the epoch's list"), (ledger(0..<37, of: relabelled), "not those of"),
        ]
        for (found, words) in cases {
            XCTAssertThrowsError(try found.require(expected, stage: "warmUp", epoch: 3)) {
                XCTAssertTrue("\($0)".hasPrefix("epoch 3 of stage warmUp: "), "\($0)")
                XCTAssertTrue("\($0)".contains(words), "\($0)")
            }
        }
        var unknown = EpochLedger.unknown
        XCTAssertNoThrow(try unknown.require(expected, stage: "warmUp", epoch: 3))
        unknown.isComplete = true
        XCTAssertThrowsError(try unknown.require(expected, stage: "warmUp", epoch: 3))
    }

    func testLargeDigestsSurviveACheckpoint() throws {
        var ledger = EpochLedger()
        ledger.add(images: 3, digest: .max - 1)
        XCTAssertEqual(try JSONDecoder().decode(EpochLedger.self, from: try JSONEncoder().encode(ledger)), ledger)
        XCTAssertEqual(ledger.digestText, "fffffffffffffffe")
    }
}
