import XCTest

@testable import DynamicResolution

/// Properties of plans for even work, over many random cases.
final class BalancePlanTests: XCTestCase {
    private typealias Work = BalancePlan.Work

    /// A seeded sequence, so that a failure can be repeated (SplitMix64).
    private struct Sequence: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = state
            bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            return bits ^ (bits >> 31)
        }
    }

    /// Resolutions 224, 168 and 112, trained and probed. Each rank has its own shares of the resolutions.
    private func randomWork(_ random: inout Sequence, ranks: Int, images: ClosedRange<Int>, fixed: Int = 0) -> Work {
        let forward = [1_820, 1_050, 460]
        let counts = (0..<ranks).map { _ -> [Int] in
            var counts = [Int](repeating: 0, count: 6)
            let favourite = Int.random(in: 0..<3, using: &random)
            for _ in 0..<Int.random(in: images, using: &random) {
                let choice = Bool.random(using: &random) ? favourite : Int.random(in: 0..<3, using: &random)
                counts[choice] += 1
                counts[3 + (choice + Int.random(in: 1...2, using: &random)) % 3] += 1
            }
            return counts
        }
        return Work(
            counts: counts, costs: forward.map { 3 * $0 } + forward, sizes: [4, 2, 1, 4, 2, 1],
            fixed: counts.map { fixed * $0[..<3].reduce(0, +) })
    }

    private func forEachCase(_ body: (Work, BalancePlan.Aim, String) throws -> Void) rethrows {
        var random = Sequence(state: 7)
        for ranks in [1, 2, 3, 4, 7, 16, 64] {
            for images in [0...0, 0...3, 1...40, 32...32] {
                for fixed in [0, 300] {
                    for number in 0..<4 {
                        let work = randomWork(&random, ranks: ranks, images: images, fixed: fixed)
                        for aim in [BalancePlan.Aim.everyKind, .sum] {
                            try body(work, aim, "\(ranks) ranks, \(images) images, fixed \(fixed), case \(number), \(aim)")
                        }
                    }
                }
            }
        }
    }

    private func loads(_ counts: [[Int]], _ work: Work) -> [Int] {
        counts.indices.map { rank in zip(counts[rank], work.costs).reduce(work.fixed[rank]) { $0 + $1.0 * $1.1 } }
    }

    func testEveryImageIsComputedOnceAndMovesAtMostOnce() {
        forEachCase { work, aim, name in
            let plan = BalancePlan(work, aim: aim)
            var counts = work.counts
            for move in plan.moves {
                XCTAssertGreaterThan(move.count, 0, name)
                counts[move.from][move.kind] -= move.count
                counts[move.to][move.kind] += move.count
            }
            XCTAssertEqual(counts, plan.counts, "the moves lead to the counts: \(name)")
            for kind in work.costs.indices {
                XCTAssertEqual(
                    plan.counts.reduce(0) { $0 + $1[kind] }, work.counts.reduce(0) { $0 + $1[kind] }, "kind \(kind): \(name)")
                let (senders, receivers) = (
                    Set(plan.moves.filter { $0.kind == kind }.map(\.from)), Set(plan.moves.filter { $0.kind == kind }.map(\.to))
                )
                XCTAssertTrue(senders.isDisjoint(with: receivers), "an image moves twice: \(name)")
            }
            XCTAssertTrue(plan.counts.allSatisfy { $0.allSatisfy { $0 >= 0 } }, name)
        }
    }

    func testEveryKindIsSpreadEvenlyWithTheFewestMoves() {
        forEachCase { work, aim, name in
            guard aim == .everyKind else { return }
            let plan = BalancePlan(work, aim: aim)
            for kind in work.costs.indices {
                let (before, after) = (work.counts.map { $0[kind] }, plan.counts.map { $0[kind] })
                XCTAssertLessThanOrEqual(after.max()! - after.min()!, 1, name)
                // Every rank that has more than its share gives the rest away, whatever the plan is.
                let total = before.reduce(0, +)
                let (share, additional) = total.quotientAndRemainder(dividingBy: before.count)
                let surplus = before.reduce(0) { $0 + max($1 - share, 0) }
                let keepers = min(before.filter { $0 > share }.count, additional)
                XCTAssertEqual(
                    plan.moves.filter { $0.kind == kind }.reduce(0) { $0 + $1.count }, surplus - keepers, "kind \(kind): \(name)")
            }
        }
    }

    func testTheSumOfTheCostsIsEven() {
        forEachCase { work, aim, name in
            guard aim == .sum else { return }
            let plan = BalancePlan(work, aim: aim)
            let (before, after) = (loads(work.counts, work), loads(plan.counts, work))
            XCTAssertLessThanOrEqual(after.max()!, before.max()!, name)
            let tolerance = max(before.reduce(0, +) / before.count / 100, 1)
            let heavy = after.firstIndex(of: after.max()!)!
            let cheapest = work.costs.indices.filter { plan.counts[heavy][$0] > 0 }.map { work.costs[$0] }.min()
            // A rank without movable images keeps what it has.
            if let cheapest { XCTAssertLessThanOrEqual(after.max()! - after.min()!, max(tolerance, cheapest), name) }
        }
    }

    func testNotMuchMoreMovesThanWhatIsTooMuch() {
        forEachCase { work, aim, name in
            guard aim == .sum else { return }
            let plan = BalancePlan(work, aim: aim)
            let before = loads(work.counts, work)
            let mean = before.reduce(0, +) / before.count
            let surplus = before.reduce(0) { $0 + max($1 - mean, 0) }
            let moved = plan.moves.reduce(0) { $0 + $1.count * work.costs[$1.kind] }
            // Twice the surplus, because cheaper images can move back, and one image of the largest cost for each rank.
            XCTAssertLessThanOrEqual(moved, 2 * surplus + before.count * work.costs.max()!, name)
        }
    }

    func testAPlanIsAFunctionOfTheWorkAndAnEvenOneMovesNothing() {
        forEachCase { work, aim, name in
            let plan = BalancePlan(work, aim: aim)
            XCTAssertEqual(plan, BalancePlan(work, aim: aim), name)
            var even = work
            even.counts = plan.counts
            XCTAssertEqual(BalancePlan(even, aim: aim).moves, [], name)
            XCTAssertEqual(BalancePlan(even, aim: aim).movedSize(even), 0, name)
            if work.counts.count == 1 { XCTAssertEqual(plan.moves, [], "one rank: \(name)") }
        }
    }

    func testHardImagesOfOneRankAreShared() {
        let work = Work(counts: [[8, 0], [0, 8]], costs: [4, 1], sizes: [4, 1], fixed: [0, 0])
        XCTAssertEqual(BalancePlan(work, aim: .everyKind).counts, [[4, 4], [4, 4]])
        // Fewer images move if only the sum counts.
        let plan = BalancePlan(work, aim: .sum)
        XCTAssertEqual(plan.moves, [.init(kind: 0, from: 0, to: 1, count: 3)])
        XCTAssertEqual(loads(plan.counts, work), [20, 20])
    }

    func testAThousandRanksAreEvenedOutFast() {
        var random = Sequence(state: 3)
        let work = randomWork(&random, ranks: 1_024, images: 32...32)
        for aim in [BalancePlan.Aim.everyKind, .sum] {
            let start = Date()
            let plan = BalancePlan(work, aim: aim)
            XCTAssertLessThan(Date().timeIntervalSince(start), 5)
            let after = loads(plan.counts, work)
            XCTAssertLessThan(Double(after.max()!) * Double(after.count) / Double(after.reduce(0, +)), aim == .sum ? 1.03 : 1.2)
        }
    }
}
