import XCTest

@testable import ImageData

final class TrainingOrderTests: XCTestCase {
    /// 50 images of class 0, 12 of class 1, 3 of class 2 and 38 of class 4; none of class 3.
    private let labels = [Int32](repeating: 0, count: 50) + [Int32](repeating: 1, count: 12) + [2, 2, 2] + [Int32](repeating: 4, count: 38)

    private func items(_ sampling: Sampling = .shuffle, repeats: Int = 1, epoch: Int = 0) -> [EpochItem] {
        TrainingOrder(sampling: sampling, repeats: repeats, seed: 5, epoch: epoch).items(labels: labels)
    }

    /// The number of uses of each class, in the order of the classes.
    private func uses(_ items: [EpochItem]) -> [Int] {
        [0, 1, 2, 4].map { label in items.filter { labels[$0.index] == label }.count }
    }

    func testPlainShufflingIsThePermutationOfSeedAndEpoch() {
        for epoch in 0..<3 {
            let sampler = EpochSampler(
                count: labels.count, batchSize: labels.count, rank: 0, rankCount: 1, order: .shuffled(seed: 5, epoch: epoch))
            XCTAssertEqual(items(epoch: epoch), sampler.indices(0).map { EpochItem(index: $0) })
        }
    }

    func testABalancedEpochUsesEveryClassEquallyOftenAndKeepsItsLength() {
        var total = [0, 0, 0, 0]
        for epoch in 0..<8 {
            let items = items(.balanced, epoch: epoch)
            XCTAssertEqual(items.count, 103)
            XCTAssertEqual(Set(items).count, 103, "no use occurs twice")
            XCTAssertTrue(uses(items).allSatisfy { (25...26).contains($0) }, "\(uses(items))")
            for (index, count) in uses(items).enumerated() { total[index] += count }
        }
        // 103 = 4 · 25 + 3, so one class has one use less, another one in each epoch.
        XCTAssertEqual(total, [206, 206, 206, 206])
        XCTAssertNotEqual(items(.balanced, epoch: 0), items(.balanced, epoch: 1))
        XCTAssertNotEqual(items(.balanced).map(\.index), items(.balanced).map(\.index).sorted(), "classes are shuffled")
    }

    func testTheImagesOfAClassAreUsedEquallyOftenOverARun() {
        var uses = [Int](repeating: 0, count: labels.count)
        for epoch in 0..<7 {
            for item in items(.balanced, epoch: epoch) { uses[item.index] += 1 }
            for label in [0, 1, 2, 4] as [Int32] {
                let own = labels.indices.filter { labels[$0] == label }.map { uses[$0] }
                XCTAssertLessThanOrEqual(own.max()! - own.min()!, 1, "class \(label) after epoch \(epoch)")
            }
        }
    }

    func testRepeatedAugmentationUsesAThirdOfTheImagesThreeTimes() {
        let items = items(repeats: 3)
        XCTAssertEqual(items.count, 103)
        for first in stride(from: 0, to: 102, by: 3) {
            XCTAssertEqual((0..<3).map { items[first + $0] }, (0..<3).map { EpochItem(index: items[first].index, repetition: $0) })
        }
        XCTAssertEqual(Set(items.map(\.index)).count, 35)
        XCTAssertEqual(Set(items.map { $0.key(imageCount: 103) }).count, 103, "each repetition has its own augmentation")
        let others = Set(self.items(repeats: 3, epoch: 1).map(\.index))
        XCTAssertNotEqual(others, Set(items.map(\.index)), "other images in the next epoch")
    }

    func testRepetitionAndBalanceCombine() {
        let items = items(.balanced, repeats: 2)
        XCTAssertEqual(items.count, 103)
        XCTAssertEqual(Set(items).count, 103)
        XCTAssertTrue(uses(items).allSatisfy { (24...28).contains($0) }, "\(uses(items))")
        for first in stride(from: 0, to: 102, by: 2) { XCTAssertEqual(items[first].index, items[first + 1].index) }
    }

    func testRanksShareTheItemsExactly() {
        for (sampling, repeats) in [(.shuffle, 3), (.balanced, 1), (.balanced, 2)] as [(Sampling, Int)] {
            let items = items(sampling, repeats: repeats)
            for ranks in 1...4 {
                let samplers = (0..<ranks).map { EpochSampler(items: items, batchSize: 9, rank: $0, rankCount: ranks) }
                XCTAssertEqual((0..<12).flatMap { batch in samplers.flatMap { $0.items(batch) } }, items)
            }
        }
    }
}
