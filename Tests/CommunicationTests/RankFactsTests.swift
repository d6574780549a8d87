import XCTest

@testable import Communication

final class RankFactsTests: XCTestCase {
    /// What each of several ranks gets, when its facts are these.
    private func differences(_ facts: [[RankFact]]) throws -> [[String]] {
        let all = Collected()
        try InMemoryCommunicator.run(rankCount: facts.count) { communicator in
            all.add(try communicator.differences(in: facts[communicator.rank], label: "facts"), rank: communicator.rank)
        }
        return all.inRankOrder
    }

    func testEqualFactsHaveNoDifferences() throws {
        let facts = [RankFact("seed", "3"), RankFact("text", "a\nb|c \u{e9}")]
        XCTAssertEqual(try differences([facts, facts, facts]), [[], [], []])
        XCTAssertEqual(try differences([facts]), [[]])
    }

    func testADifferenceNamesTheValuesAndTheRanksAndAllRanksGetIt() throws {
        let usual = [RankFact("a", "1"), RankFact("seed", "3")]
        let found = try differences([usual, [RankFact("a", "1"), RankFact("seed", "4")], usual, usual])
        let expected = ["seed is 3 on ranks 0, 2–3 on memory, but 4 on rank 1 on memory"]
        XCTAssertEqual(found, [expected, expected, expected, expected])
    }

    func testTheFirstRankIsNamedIfItIsTheOneThatDiffers() throws {
        let usual = [RankFact("seed", "3")]
        let found = try differences([[RankFact("seed", "4")], usual, usual])
        XCTAssertEqual(found[2], ["seed is 3 on ranks 1–2 on memory, but 4 on rank 0 on memory"])
    }

    func testAFactThatOneRankLacksIsADifference() throws {
        let found = try differences([[RankFact("a", "1")], [RankFact("a", "1"), RankFact("b", "2")]])
        XCTAssertEqual(found[0], ["b is not set on rank 0 on memory, but 2 on rank 1 on memory"])
    }

    /// Texts that would be equal without a separator.
    func testNamesAndValuesAreKeptApart() throws {
        XCTAssertEqual(try differences([[RankFact("a", "bc")], [RankFact("ab", "c")]])[0].count, 2)
    }

    func testManyDifferencesAreCounted() throws {
        let ranks = [0, 1].map { rank in (0..<20).map { RankFact("key \($0)", "\(rank)") } }
        let found = try differences(ranks)[1]
        XCTAssertEqual(found.count, RankFact.longestList + 1)
        XCTAssertEqual(found.last, "8 more")
    }

    func testRanksThatDifferAreRefusedOnAllRanksWithOneLineForEachDifference() throws {
        let failures = Collected()
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            let facts = [RankFact("seed", communicator.rank == 1 ? "4" : "3")]
            do {
                try communicator.requireSame(facts, subject: "the configuration", remedy: "Use one file", label: "facts")
            } catch let error as RankDifferences {
                failures.add(error.lines, rank: communicator.rank)
            }
        }
        let lines = [
            "the ranks differ in the configuration: seed is 3 on ranks 0, 2 on memory, but 4 on rank 1 on memory. Use one file"
        ]
        XCTAssertEqual(failures.inRankOrder, [lines, lines, lines])
    }

    func testGroupsKnowTheMajority() {
        let groups = RankGroups([7, 8, 8, 9, 8], hosts: ["a", "a", "b", "b", "c"])
        XCTAssertEqual(groups.groups.map(\.value), [8, 7, 9])
        XCTAssertEqual(groups.groups.map(\.ranks), [[1, 2, 4], [0], [3]])
        XCTAssertTrue(groups.hasMajority)
        XCTAssertEqual(groups.place(0), "ranks 1–2, 4 on a and 2 other hosts")
        XCTAssertFalse(RankGroups([7, 8], hosts: ["a", "b"]).hasMajority)
    }

    func testValuesAreListedWithTheirRanksAndHosts() {
        let equal = RankGroups(["a", "a"], hosts: ["one", "two"])
        XCTAssertTrue(equal.isEqual)
        XCTAssertEqual(equal.text, "a")
        let different = RankGroups(["b", "a", "a", "c"], hosts: ["one", "one", "two", "three"])
        XCTAssertFalse(different.isEqual)
        XCTAssertEqual(different.text, "a on ranks 1–2 on one and 1 other host; b on rank 0 on one; c on rank 3 on three")
    }

    func testTheRanksOfAJobAreGroupedByAValue() throws {
        let texts = Collected()
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            let groups = try communicator.groupRanks(by: communicator.rank == 1 ? "é" : "", label: "groups")
            texts.add([groups.text], rank: communicator.rank)
        }
        let text = " on ranks 0, 2 on memory; é on rank 1 on memory"
        XCTAssertEqual(texts.inRankOrder, [[text], [text], [text]])
    }
}

/// Lines by rank, from several threads. The lock makes `@unchecked Sendable` safe.
private final class Collected: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [Int: [String]] = [:]

    func add(_ new: [String], rank: Int) { lock.withLock { lines[rank] = new } }
    var inRankOrder: [[String]] { lock.withLock { lines.sorted { $0.key < $1.key }.map(\.value) } }
}
