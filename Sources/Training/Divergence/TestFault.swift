import Foundation

/// A fault that a test asks for with DRNET_TEST_FAULT, at one rank and in some steps: `loss:1:7-9` makes the loss of rank 1 NaN in the
/// steps 7 to 9, `gradient:1:7` one of its gradients, and `replica:1:7` changes one bit of its classifier after step 7. Steps begin at 1.
enum TestFault {
    enum Kind: String {
        case loss, gradient, replica
    }

    private struct Plan {
        var kind: Kind
        var rank: Int
        var steps: ClosedRange<Int>

        init?(_ text: String?) {
            let parts = text?.split(separator: ":").map(String.init) ?? []
            guard parts.count == 3, let kind = Kind(rawValue: parts[0]), let rank = Int(parts[1]) else { return nil }
            let ends = parts[2].split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return nil }
            (self.kind, self.rank, steps) = (kind, rank, first...last)
        }
    }

    private static let plan = Plan(ProcessInfo.processInfo.environment["DRNET_TEST_FAULT"])

    /// Whether a test asks for a fault here.
    static func isDue(_ kind: Kind, rank: Int, step: Int) -> Bool {
        guard let plan else { return false }
        return plan.kind == kind && plan.rank == rank && plan.steps.contains(step)
    }
}
