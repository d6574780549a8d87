/// The messages of one rank in a sum over all ranks: a reduce-scatter and an all-gather along rings.
///
/// Each rank of a ring sends to the next one and receives from the previous one. In the reduce-scatter, a part of the vector travels along
/// the ring and each rank adds its values; in the end, each rank has the sum of one part. In the all-gather, the sums travel along the
/// ring. One rank computes each sum, so all ranks have the same bits. Each rank sends 2 (P − 1) / P of the vector, the least that is
/// possible.
///
/// With several ranks on each host, the ranks of a host sum first. Then the ranks with the same place on each host form rings between the
/// hosts. Of H hosts, each sends 2 (H − 1) / H of the vector, whatever its number of ranks.
///
/// In bfloat16, no partial sum travels: each would be rounded once more. Each rank sends its own values of a part directly to the rank
/// that computes the sum of this part. The bytes are half of those along a ring. The sums inside a host stay in 32 bits: only messages
/// between hosts, or those of the only ring, are rounded.
struct SumSchedule: Equatable {
    /// One message out and one message in. An empty range has no message.
    struct Step: Equatable {
        var receiver: Int
        var sent: Range<Int>
        var sender: Int
        var received: Range<Int>
        /// Whether the received values are added to this rank's; otherwise they replace them.
        var adds: Bool
        var format = TransferFormat.float32

        /// Whether the received numbers need memory of their own before they are used.
        var isBuffered: Bool { adds || format == .bfloat16 }
    }

    var steps: [Step] = []

    /// - Parameters:
    ///   - count: elements of the vector.
    ///   - rank: whose steps these are.
    ///   - hosts: the host of each rank, as any number that identifies it.
    ///   - usesHosts: whether the ranks of a host sum first, where all hosts have the same number of ranks.
    ///   - format: of the messages between hosts, or along the only ring.
    init(count: Int, rank: Int, hosts: [Int], usesHosts: Bool = true, format: TransferFormat = .float32) {
        let groups = Self.groups(hosts)
        let place = groups.first { $0.contains(rank) }.flatMap { $0.firstIndex(of: rank) } ?? 0
        let isEven = groups.count > 1 && groups.allSatisfy { $0.count == groups[0].count && $0.count > 1 }
        guard isEven && usesHosts, let own = groups.first(where: { $0.contains(rank) }) else {
            // Ranks of a host are neighbours, so that each host receives from one other host only.
            let ring = Ring(groups.flatMap { $0 }, rank: rank, range: 0..<count, format: format)
            steps = ring.reduceScatter + ring.allGather
            return
        }
        let inside = Ring(own, rank: rank, range: 0..<count)
        let between = Ring(groups.map { $0[place] }, rank: rank, range: inside.owned, format: format)
        steps = inside.reduceScatter + between.reduceScatter + between.allGather + inside.allGather
    }

    /// The ranks of each host, in the order of their first ranks.
    private static func groups(_ hosts: [Int]) -> [[Int]] {
        var groups: [[Int]] = []
        for (rank, host) in hosts.enumerated() {
            if let index = groups.firstIndex(where: { hosts[$0[0]] == host }) {
                groups[index].append(rank)
            } else {
                groups.append([rank])
            }
        }
        return groups
    }

    /// Memory for the received numbers of one step that are not used in place.
    var receivedBytes: Int { steps.filter(\.isBuffered).map { $0.received.count * $0.format.bytes }.max() ?? 0 }
    /// The largest number of elements that one step rounds.
    var roundedCount: Int { steps.filter { $0.format == .bfloat16 }.map(\.sent.count).max() ?? 0 }
}

/// The steps of one rank in a ring of ranks.
private struct Ring {
    let members: [Int]
    /// The place of the rank among the members.
    let place: Int
    let range: Range<Int>
    let format: TransferFormat

    init(_ members: [Int], rank: Int, range: Range<Int>, format: TransferFormat = .float32) {
        self.members = members
        self.range = range
        self.format = format
        place = members.firstIndex(of: rank) ?? 0
    }

    /// The rank that is `distance` places further along the ring.
    private func member(_ distance: Int) -> Int { members[(place + distance + members.count) % members.count] }

    /// A part of the vector; `index` wraps around.
    private func part(_ index: Int) -> Range<Int> {
        let (count, wrapped) = (members.count, (index % members.count + members.count) % members.count)
        return range.lowerBound + range.count * wrapped / count..<range.lowerBound + range.count * (wrapped + 1) / count
    }

    /// The part whose sum this rank has after the reduce-scatter.
    var owned: Range<Int> { part(place + 1) }

    var reduceScatter: [SumSchedule.Step] {
        switch format {
        case .float32:
            return (0..<members.count - 1).map {
                SumSchedule.Step(
                    receiver: member(1), sent: part(place - $0), sender: member(-1), received: part(place - $0 - 1), adds: true)
            }
        case .bfloat16:
            return (1..<max(members.count, 1)).map {
                SumSchedule.Step(
                    receiver: member($0), sent: part(place + $0 + 1), sender: member(-$0), received: owned, adds: true, format: format)
            }
        }
    }

    /// The numbers that travel are rounded already, so that passing them on changes nothing.
    var allGather: [SumSchedule.Step] {
        (0..<members.count - 1).map {
            SumSchedule.Step(
                receiver: member(1), sent: part(place + 1 - $0), sender: member(-1), received: part(place - $0), adds: false, format: format
            )
        }
    }
}
