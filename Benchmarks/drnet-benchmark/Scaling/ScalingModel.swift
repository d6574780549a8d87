import Foundation

/// Links and messages between hosts. docs/scaling.md has the measurements of the defaults.
struct NetworkCosts: Equatable {
    /// Bytes that a host sends through its link in a second.
    var bytesPerSecond: Double
    /// Seconds of a small message from one host to another.
    var latency: Double
    /// Seconds that a message of a background sum needs in addition to its transfer: the latency, and the pause between two tests.
    var messageSeconds: Double
    /// Background sums that are under way at the same time.
    var concurrentSums = 4.0
}

/// The work of a training step on one rank.
struct StepWork: Equatable {
    /// Seconds of computation for a rank with the mean work.
    var computing: Double
    /// Seconds of the last backward pass, in which gradients become complete.
    var lastBackward: Double
    var gradientBytes: Double
    var bucketBytes: Double
    /// Collectives of a step beside the gradients.
    var smallCollectives: Double
    /// The standard deviation of an image's cost by its mean: 0 if all images have the same resolution.
    var costDeviation: Double
    /// Images of a rank in a step.
    var images: Double
    /// Whether images move between the ranks until all have the same work.
    var isBalanced = false
}

/// The time of a step on a number of hosts with one rank each.
///
///     step = computing (1 + spread) + small collectives + sums that nothing hides
struct ScalingModel {
    var network: NetworkCosts
    var work: StepWork
    var hosts: Int

    private var count: Double { Double(hosts) }

    /// How much longer the slowest of all ranks computes than the mean: σ / √n of the costs by the expected maximum of that many normal
    /// numbers (Blom's approximation).
    var spread: Double {
        guard hosts > 1, !work.isBalanced else { return 0 }
        let maximum = Self.normalQuantile((count - 0.375) / (count + 0.25))
        return work.costDeviation / work.images.squareRoot() * maximum
    }

    /// Small collectives take a message to each of log₂ P partners in turn.
    var smallSeconds: Double { hosts > 1 ? work.smallCollectives * network.latency * log2(count).rounded(.up) : 0 }

    /// A sum of some bytes that is alone on the network: 2 (P − 1) messages of 1 / P of the bytes.
    func sumSeconds(_ bytes: Double) -> Double {
        guard hosts > 1 else { return 0 }
        return 2 * (count - 1) * (network.messageSeconds + bytes / count / network.bytesPerSecond)
    }

    /// All buckets. Sums that are under way at the same time share the link, and wait for their messages together. The longer of the two
    /// decides.
    var gradientSeconds: Double {
        guard hosts > 1 else { return 0 }
        let transfer = 2 * (count - 1) / count * work.gradientBytes / network.bytesPerSecond
        let buckets = max((work.gradientBytes / work.bucketBytes).rounded(.up), 1)
        let messages = 2 * (count - 1) * network.messageSeconds * (buckets / network.concurrentSums).rounded(.up)
        return max(transfer, messages)
    }

    /// What the backward pass does not hide: at least the last bucket, which is complete when the pass ends.
    var exposedSeconds: Double {
        max(gradientSeconds - work.lastBackward, sumSeconds(min(work.bucketBytes, work.gradientBytes)))
    }

    var stepSeconds: Double { work.computing * (1 + spread) + smallSeconds + exposedSeconds }

    /// The speed by that of as many ranks without communication and with equal work.
    var efficiency: Double { work.computing / stepSeconds }

    /// What costs most of the time that a step loses.
    var largestLoss: String {
        let parts = [
            ("spread of the work", work.computing * spread), ("small collectives", smallSeconds), ("gradients", exposedSeconds),
        ]
        return parts.max { $0.1 < $1.1 }.map { $0.1 > 0 ? $0.0 : "nothing" } ?? "nothing"
    }

    /// The value below which a normal number is with some probability, by bisection of the error function.
    static func normalQuantile(_ probability: Double) -> Double {
        var (low, high) = (-10.0, 10.0)
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if 0.5 * erfc(-middle / 2.0.squareRoot()) < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
