import Communication
import Foundation
import NeuralNetwork
import TestSupport
import XCTest

@testable import Training

final class LogicalRanksTests: XCTestCase {
    private static let logicalRanks = 12
    private let rankCounts = [1, 2, 3, 4, 6, 12]

    /// Numbers whose sum depends on the order of the additions.
    private func awkward(_ count: Int, _ logicalRank: Int) -> [Double] {
        (0..<count).map { sin(Double($0 * 7 + logicalRank * 13)) * pow(10, Double(($0 + logicalRank) % 7)) }
    }

    /// Likewise, of the sizes of gradients.
    private func small(_ count: Int, _ logicalRank: Int) -> [Float] { awkward(count, logicalRank).map { Float($0 * 1e-6) } }

    /// The results of `body` on every rank, in rank order.
    private func onRanks<Value>(_ count: Int, _ body: @escaping (RankExchange) throws -> Value) throws -> [Value] {
        let lock = NSLock()
        nonisolated(unsafe) var results: [Int: Value] = [:]
        try InMemoryCommunicator.run(rankCount: count) { communicator in
            let value = try body(RankExchange(communicator))
            lock.withLock { results[communicator.rank] = value }
        }
        return (0..<count).compactMap { results[$0] }
    }

    /// The sums that every logical rank sees in two collectives, by logical rank.
    private func sums(ranks: Int) throws -> [[Double]] {
        try onRanks(ranks) { exchange in
            let logicalRanks = try LogicalRanks(count: Self.logicalRanks, exchange)
            nonisolated(unsafe) var seen: [[Double]] = []
            try logicalRanks.run { number, sums in
                var (first, second) = (self.awkward(5, number), [Double(number)])
                try first.withUnsafeMutableBufferPointer { try sums.sumOverRanks($0, label: "first") }
                second.append(first[0])
                try second.withUnsafeMutableBufferPointer { try sums.sumOverRanks($0, label: "second") }
                seen.append(first + second)
            }
            return seen
        }.flatMap { $0 }
    }

    func testSumsHaveTheSameBitsAtAnyNumberOfRanks() throws {
        let values = (0..<Self.logicalRanks).map { awkward(5, $0) }
        let inOrder = values.dropFirst().reduce(values[0]) { zip($0, $1).map(+) }
        for ranks in rankCounts {
            let seen = try sums(ranks: ranks)
            XCTAssertEqual(seen.count, Self.logicalRanks)
            for sums in seen { XCTAssertEqual(Array(sums[..<5]), inOrder, "\(ranks) ranks") }
            XCTAssertEqual(seen[0][5], 66)
        }
        // The control: sums of the sums of each rank depend on the number of ranks.
        let halves = [values[..<6], values[6...]].map { half in half.dropFirst().reduce(half.first ?? []) { zip($0, $1).map(+) } }
        XCTAssertNotEqual(zip(halves[0], halves[1]).map(+), inOrder, "negative control")
    }

    func testLogicalRanksHaveTheImagesOfTheirRank() throws {
        for ranks in rankCounts {
            for batch in [0, 1, 5, 12, 31, 32, 100] {
                let all = try onRanks(ranks) { exchange in
                    let logicalRanks = try LogicalRanks(count: Self.logicalRanks, exchange)
                    let first = exchange.communicator.rank * batch / ranks
                    return logicalRanks.own.map { number in
                        let images = logicalRanks.images(of: number, globalCount: batch)
                        return images.lowerBound + first..<images.upperBound + first
                    }
                }.flatMap { $0 }
                XCTAssertEqual(all, (0..<12).map { $0 * batch / 12..<($0 + 1) * batch / 12 }, "\(ranks) ranks, \(batch) images")
            }
        }
    }

    func testAnErrorOfOneLogicalRankEndsAll() throws {
        struct Failure: Error {}
        for failing in [0, 1, 3] {
            let logicalRanks = try LogicalRanks(count: 4, RankExchange(SingleProcess()))
            XCTAssertThrowsError(
                try logicalRanks.run { number, sums in
                    var values = [1.0]
                    try values.withUnsafeMutableBufferPointer { try sums.sumOverRanks($0, label: "sum") }
                    if number == failing { throw Failure() }
                    try values.withUnsafeMutableBufferPointer { try sums.sumOverRanks($0, label: "sum") }
                }
            ) { XCTAssertTrue($0 is Failure, "\($0)") }
        }
    }

    func testANumberOfRanksThatDoesNotDivideIsRefused() {
        XCTAssertThrowsError(try onRanks(5) { try LogicalRanks(count: 12, $0).count }) {
            XCTAssertTrue("\($0)".contains("communication.logicalRanks is 12, which cannot be divided among 5 ranks"), "\($0)")
        }
    }

    func testExactSumsDoNotDependOnOrderOrGrouping() throws {
        let count = 1000
        let values = (0..<Self.logicalRanks).map { number in small(count, number) }
        func sum(ranks: Int, reversed: Bool = false) throws -> [[Float]] {
            try onRanks(ranks) { exchange in
                let own = try LogicalRanks(count: Self.logicalRanks, exchange).own
                let sums = ExactSums(count: count, .test)
                for number in reversed ? Array(own.reversed()) : Array(own) {
                    var copy = values[number]
                    copy.withUnsafeMutableBufferPointer { sums.add($0) }
                }
                var result = [Float](repeating: 0, count: count)
                try result.withUnsafeMutableBufferPointer { try sums.take(into: $0, exchange) }
                do {
                    // The sums begin again at zero.
                    var again = [Float](repeating: 1, count: count)
                    try again.withUnsafeMutableBufferPointer { try sums.take(into: $0, exchange) }
                    XCTAssertEqual(again, [Float](repeating: 0, count: count))
                }
                return result
            }
        }
        let one = try sum(ranks: 1)[0]
        for index in 0..<count {
            let exact = values.reduce(0.0) { $0 + Double($1[index]) }
            XCTAssertEqual(Double(one[index]), exact, accuracy: max(abs(exact) * 6e-8, 12 * 0x1p-45), "\(index)")
        }
        XCTAssertEqual(try sum(ranks: 1, reversed: true)[0], one)
        for ranks in rankCounts { for result in try sum(ranks: ranks) { XCTAssertEqual(result, one, "\(ranks) ranks") } }
        // The control: sums of floats depend on the order.
        let forward = values.dropFirst().reduce(values[0]) { zip($0, $1).map(+) }
        let backward = values.reversed().dropFirst().reduce(values[11]) { zip($0, $1).map(+) }
        XCTAssertNotEqual(forward, backward, "negative control")
    }

    func testValuesThatAreNotFiniteStayVisible() throws {
        let sums = ExactSums(count: 3, .test)
        var (values, result): ([Float], [Float]) = ([.nan, .infinity, 1e30], [0, 0, 0])
        values.withUnsafeMutableBufferPointer { sums.add($0) }
        try result.withUnsafeMutableBufferPointer { try sums.take(into: $0, RankExchange(SingleProcess())) }
        XCTAssertTrue(result[0].isNaN)
        XCTAssertEqual(result[1], .infinity)
        XCTAssertEqual(result[2], 1e30)
    }
}
