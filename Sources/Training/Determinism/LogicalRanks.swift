import Communication
import Foundation
import NeuralNetwork

/// Runs a fixed number S of logical ranks on the P ranks of a job, S / P on each, so that the results of S logical ranks do not depend on
/// P.
///
/// Each logical rank is a thread that computes its part of each batch as a rank of a job of S ranks does. The logical ranks of a process
/// take turns: one computes, with all threads of the kernels, until it enters a collective; then the next one does. The last one completes
/// the collective: it gathers the values of all logical ranks and adds them in the order of the logical ranks.
final class LogicalRanks {
    /// S.
    let count: Int
    /// The numbers of the logical ranks of this process, 0 ..< S.
    let own: Range<Int>
    private let exchange: RankExchange

    /// - Parameters:
    ///   - count: a multiple of the number of ranks.
    ///   - exchange: between the real ranks.
    /// - Throws: `LogicalRanksError`; on all ranks.
    init(count: Int, _ exchange: RankExchange) throws {
        let (rank, ranks) = (exchange.communicator.rank, exchange.communicator.rankCount)
        guard count % ranks == 0 else { throw LogicalRanksError(count: count, rankCount: ranks) }
        self.count = count
        self.exchange = exchange
        own = rank * count / ranks..<(rank + 1) * count / ranks
    }

    /// The images of a logical rank in a batch, relative to the first image of this process.
    ///
    /// - Parameters:
    ///   - logicalRank: one of `own`.
    ///   - globalCount: images of the batch over all ranks.
    func images(of logicalRank: Int, globalCount: Int) -> Range<Int> {
        let first = own.lowerBound * globalCount / count
        return logicalRank * globalCount / count - first..<(logicalRank + 1) * globalCount / count - first
    }

    /// Runs `body` once for each logical rank of this process, and waits for all. Collective.
    ///
    /// - Parameter body: receives the number of the logical rank, and its sums over all logical ranks. All logical ranks run the same
    ///   sequence of sums.
    func run(_ body: @escaping (Int, OrderedSums) throws -> Void) throws {
        let turns = Turns(members: own.count, exchange)
        let group = DispatchGroup()
        // Only one logical rank runs at a time.
        nonisolated(unsafe) let body = body
        for (member, number) in own.enumerated() {
            group.enter()
            let thread = Thread {
                turns.perform(member) { try body(number, OrderedSums(turns, member)) }
                group.leave()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        group.wait()
        if let error = turns.error { throw error }
    }
}

/// The number of logical ranks does not fit the number of ranks.
struct LogicalRanksError: Error, CustomStringConvertible {
    var count: Int
    var rankCount: Int

    var description: String {
        "communication.logicalRanks is \(count), which cannot be divided among \(rankCount) ranks; with deterministic: true, start a "
            + "number of ranks that divides it, or set it to a multiple of all numbers of ranks that the run shall have"
    }
}

/// The collectives of one logical rank.
final class OrderedSums: StatisticsReducer {
    private let turns: Turns
    private let member: Int

    fileprivate init(_ turns: Turns, _ member: Int) {
        self.turns = turns
        self.member = member
    }

    func sumOverRanks(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
        try turns.sum(values, of: member, label: label)
    }
}

/// The turns of the logical ranks of a process.
///
/// `@unchecked Sendable` is safe: the condition protects the variables, and only the member whose turn it is uses the exchange.
private final class Turns: @unchecked Sendable {
    private struct Ended: Error {}

    private let members: Int
    private let exchange: RankExchange
    private let condition = NSCondition()
    private var turn = 0
    /// The values of the members that have entered the collective, one after another.
    private var entered: [Double] = []
    private var sums: [Double] = []
    private(set) var error: (any Error)?

    init(members: Int, _ exchange: RankExchange) {
        self.members = members
        self.exchange = exchange
    }

    /// Runs all turns of a member.
    func perform(_ member: Int, _ body: () throws -> Void) {
        do {
            try wait(for: member)
            try body()
        } catch is Ended {
        } catch {
            condition.withLock { self.error = error }
        }
        pass(to: member + 1)
    }

    /// values ← their sums over all logical ranks, in the order of the logical ranks.
    func sum(_ values: UnsafeMutableBufferPointer<Double>, of member: Int, label: String) throws {
        entered += values
        if member == members - 1 {
            sums = try gatheredSums(count: values.count, label: label)
            entered = []
            pass(to: 0)
        } else {
            pass(to: member + 1)
        }
        try wait(for: member)
        for (index, sum) in sums.enumerated() { values[index] = sum }
    }

    private func gatheredSums(count: Int, label: String) throws -> [Double] {
        precondition(entered.count == members * count, "\(label): the logical ranks have different numbers of values")
        let all = try exchange.gather(entered, label: label)
        var sums = Array(all.prefix(count))
        for start in stride(from: count, to: all.count, by: max(count, 1)) {
            for index in 0..<count { sums[index] += all[start + index] }
        }
        return sums
    }

    private func pass(to member: Int) {
        condition.lock()
        turn = member
        condition.broadcast()
        condition.unlock()
    }

    private func wait(for member: Int) throws {
        condition.lock()
        defer { condition.unlock() }
        while turn != member && error == nil { condition.wait() }
        if error != nil { throw Ended() }
    }
}
