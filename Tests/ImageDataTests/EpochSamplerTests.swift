import XCTest

@testable import ImageData

final class EpochSamplerTests: XCTestCase {
    private func sampler(_ count: Int, _ batch: Int, _ rank: Int, of ranks: Int, epoch: Int = 0) -> EpochSampler {
        EpochSampler(count: count, batchSize: batch, rank: rank, rankCount: ranks, order: .shuffled(seed: 5, epoch: epoch))
    }

    /// Returns the images of each batch over all ranks, in order.
    private func batches(_ count: Int, _ batch: Int, ranks: Int, epoch: Int = 0) -> [[Int]] {
        let samplers = (0..<ranks).map { sampler(count, batch, $0, of: ranks, epoch: epoch) }
        return (0..<samplers[0].batchCount).map { number in samplers.flatMap { $0.indices(number) } }
    }

    func testEveryImageIsUsedExactlyOncePerEpochOverAllRanks() {
        for (count, batch) in [(10, 3), (12, 4), (1, 8), (7, 7), (100, 16)] {
            for ranks in 1...5 {
                XCTAssertEqual(batches(count, batch, ranks: ranks).flatMap { $0 }.sorted(), Array(0..<count))
            }
        }
    }

    func testTheBatchesDoNotDependOnTheNumberOfRanks() {
        let one = batches(50, 8, ranks: 1)
        for ranks in 2...9 { XCTAssertEqual(batches(50, 8, ranks: ranks), one) }
        let sampler = sampler(50, 8, 0, of: 3)
        XCTAssertEqual((0..<7).map(sampler.globalCount), one.map(\.count))
    }

    func testTheOrderDependsOnTheEpoch() {
        XCTAssertNotEqual(batches(50, 8, ranks: 1, epoch: 1), batches(50, 8, ranks: 1, epoch: 2))
        XCTAssertEqual(batches(50, 8, ranks: 1, epoch: 1), batches(50, 8, ranks: 1, epoch: 1))
    }

    func testRanksDivideABatchEvenly() {
        for rank in 0..<3 { XCTAssertTrue((2...3).contains(sampler(50, 8, rank, of: 3).indices(0).count)) }
        XCTAssertEqual(EpochSampler(count: 5, batchSize: 2, rank: 0, rankCount: 1, order: .sequential).indices(2), [4])
    }
}
