/// Evens out the routed work of a micro-batch: how many images of each kind each rank computes, and which images move.
///
/// A plan is a pure function of numbers that every rank has, so every rank computes the same plan. It uses integers only. Images of one
/// kind (one pass of the classifier at one resolution) are interchangeable for the plan.
struct BalancePlan: Equatable, Sendable {
    /// The work before it is evened out.
    struct Work: Equatable, Sendable {
        /// Images of each rank and kind.
        var counts: [[Int]]
        /// The cost of one image of each kind, above 0.
        var costs: [Int]
        /// The size of one image of each kind when it moves.
        var sizes: [Int]
        /// The cost of what each rank computes in any case.
        var fixed: [Int]
    }

    /// What the ranks wait for.
    enum Aim: Sendable {
        /// All ranks run the passes of a kind at the same time, because their batch norms exchange statistics. A step takes the sum of the
        /// largest counts of each kind, so each kind is spread evenly.
        case everyKind
        /// Ranks wait for one another after all passes only. The costs are spread evenly.
        case sum
    }

    /// Images of one kind that move between two ranks.
    struct Move: Equatable, Sendable {
        var kind: Int
        var from: Int
        var to: Int
        var count: Int
    }

    /// Images of each rank and kind under the plan.
    let counts: [[Int]]
    /// In ascending order of kind, sender and receiver. Of one kind, a rank sends or receives, never both.
    let moves: [Move]

    init(_ work: Work, aim: Aim) {
        switch aim {
        case .everyKind: counts = Self.spreadingEveryKind(work)
        case .sum: counts = Self.evening(work)
        }
        moves = Self.moves(from: work.counts, to: counts)
    }

    /// The size of all images that move.
    func movedSize(_ work: Work) -> Int { moves.reduce(0) { $0 + $1.count * work.sizes[$1.kind] } }

    // MARK: - Every kind

    /// Gives each rank ⌊n / P⌋ or ⌈n / P⌉ of the n images of a kind, with as few moves as possible: ranks that have more keep the
    /// additional image. Among equal ranks, the one with the smallest load so far gets it, and expensive kinds come first.
    private static func spreadingEveryKind(_ work: Work) -> [[Int]] {
        var counts = work.counts
        var loads = work.fixed
        for kind in work.costs.indices.sorted(by: { (-work.costs[$0], $0) < (-work.costs[$1], $1) }) {
            let total = work.counts.reduce(0) { $0 + $1[kind] }
            let (share, additional) = total.quotientAndRemainder(dividingBy: counts.count)
            let order = counts.indices.sorted {
                func key(_ rank: Int) -> (Int, Int, Int) { (work.counts[rank][kind] > share ? 0 : 1, loads[rank], rank) }
                return key($0) < key($1)
            }
            for (place, rank) in order.enumerated() {
                counts[rank][kind] = share + (place < additional ? 1 : 0)
                loads[rank] += counts[rank][kind] * work.costs[kind]
            }
        }
        return counts
    }

    // MARK: - The sum

    /// An image that moves from the rank with the largest load to the one with the smallest, and perhaps a cheaper one that moves back.
    private struct Relief {
        var kind: Int
        var back: Int?
        var cost: Int
        var size: Int
        /// What remains of the difference between the two ranks, in units of the tolerance.
        var rest: Int
    }

    /// Moves images from the rank with the largest load to the one with the smallest until no move makes their difference smaller. At the
    /// end, the difference is at most 1 % of the mean load, or at most the cost of the cheapest image of the rank with the largest load.
    private static func evening(_ work: Work) -> [[Int]] {
        var counts = work.counts
        var loads = counts.indices.map { rank in
            zip(counts[rank], work.costs).reduce(work.fixed[rank]) { $0 + $1.0 * $1.1 }
        }
        let tolerance = max(loads.reduce(0, +) / loads.count / 100, 1)
        // Each relief makes the sum of the squared loads smaller, so the loop ends.
        while true {
            let heavy = loads.indices.max { (loads[$0], -$0) < (loads[$1], -$1) } ?? 0
            let light = loads.indices.min { (loads[$0], $0) < (loads[$1], $1) } ?? 0
            let difference = loads[heavy] - loads[light]
            guard difference > tolerance,
                let relief = relief(work, from: counts[heavy], to: counts[light], difference: difference, tolerance: tolerance)
            else { return counts }
            counts[heavy][relief.kind] -= 1
            counts[light][relief.kind] += 1
            if let back = relief.back {
                counts[heavy][back] += 1
                counts[light][back] -= 1
            }
            loads[heavy] -= relief.cost
            loads[light] += relief.cost
        }
    }

    /// The relief that leaves the smallest difference; of about equal ones, the smallest that moves. Nil if none makes it smaller.
    private static func relief(_ work: Work, from heavy: [Int], to light: [Int], difference: Int, tolerance: Int) -> Relief? {
        var best: Relief?
        for kind in work.costs.indices where heavy[kind] > 0 {
            for back in [nil] + work.costs.indices.map(Optional.some) where back.map({ light[$0] > 0 }) ?? true {
                let cost = work.costs[kind] - (back.map { work.costs[$0] } ?? 0)
                guard cost > 0, cost < difference else { continue }
                let size = work.sizes[kind] + (back.map { work.sizes[$0] } ?? 0)
                let relief = Relief(kind: kind, back: back, cost: cost, size: size, rest: abs(difference - 2 * cost) / tolerance)
                if best.map({ (relief.rest, relief.size) < ($0.rest, $0.size) }) ?? true { best = relief }
            }
        }
        return best
    }

    // MARK: - Moves

    /// The smallest moves that lead from some counts to others: ranks with too many images of a kind give them to those with too few, both
    /// in the order of the ranks.
    private static func moves(from old: [[Int]], to new: [[Int]]) -> [Move] {
        var moves: [Move] = []
        for kind in old.first?.indices ?? 0..<0 {
            var missing = old.indices.map { max(new[$0][kind] - old[$0][kind], 0) }
            var receiver = 0
            for sender in old.indices {
                var surplus = old[sender][kind] - new[sender][kind]
                while surplus > 0 {
                    while missing[receiver] == 0 { receiver += 1 }
                    let count = min(surplus, missing[receiver])
                    moves.append(Move(kind: kind, from: sender, to: receiver, count: count))
                    surplus -= count
                    missing[receiver] -= count
                }
            }
        }
        return moves
    }
}
