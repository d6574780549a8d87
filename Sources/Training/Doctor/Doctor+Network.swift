import Communication
import Foundation
import Interchange

/// The network between the ranks, by the time of sums over all of them.
extension Doctor {
    /// The time of a sum.
    struct SumTime: Equatable {
        var bytes: Int
        var seconds: Double

        /// What each rank sends at least, divided by the time: comparable between numbers of ranks and with the speed of a link.
        func bandwidth(ranks: Int) -> Double { 2 * Double(ranks - 1) / Double(ranks) * Double(bytes) / seconds }
    }

    /// Measures sums of several sizes. Collective.
    func examineNetwork(seconds: Double) throws -> [Finding] {
        let ranks = communicator.rankCount
        guard ranks > 1 else { return [Finding(.ok, "network", "one rank: nothing is sent")] }
        let times = try [8, 1 << 10, 1 << 16, 1 << 20, 1 << 24].map { try time(ofSumOver: $0, seconds: seconds / 5) }
        var findings = times.map { time in
            Finding(
                .ok, "sum over all ranks",
                "\(Self.size(time.bytes)): \(Self.duration(time.seconds))"
                    + (time.bytes >= 1 << 16 ? String(format: ", %.2f GB/s", time.bandwidth(ranks: ranks) / 1e9) : ""))
        }
        if times[0].seconds > Self.latencyLimit {
            findings.append(
                Finding(
                    .warning, "latency", "a sum of 8 bytes takes \(Self.duration(times[0].seconds))",
                    advice: "with batchNorm.mode global a step has two sums for each batch norm: use local, or check which network "
                        + "MPI uses (MPI_OPTIONS='--mca btl_tcp_if_include DEVICE')"))
        }
        let bandwidth = times[times.count - 1].bandwidth(ranks: ranks)
        if bandwidth < Self.bandwidthLimit {
            findings.append(
                Finding(
                    .warning, "bandwidth", String(format: "%.2f GB/s between the ranks", bandwidth / 1e9),
                    advice: "larger batches per rank make sums rarer; check the speed of the links, and which network MPI uses "
                        + "(MPI_OPTIONS='--mca btl_tcp_if_include DEVICE')"))
        }
        return findings
    }

    /// The median time of a sum of floats over all ranks, for the slowest rank. Collective.
    ///
    /// - Parameters:
    ///   - bytes: of each rank.
    ///   - seconds: how long to measure, about.
    func time(ofSumOver bytes: Int, seconds: Double) throws -> SumTime {
        var values = [Float](repeating: 0, count: max(bytes / MemoryLayout<Float>.stride, 1))
        func once() throws -> Double {
            try communicator.barrier(label: "before a measured sum")
            let start = DispatchTime.now().uptimeNanoseconds
            try communicator.allReduceSum(&values, label: "a measured sum")
            return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
        }
        _ = try once()
        // All ranks repeat equally often: as often as the slowest one can in this time.
        let first = try communicator.numbers(try once(), label: "time of a sum").max() ?? 0
        let count = Int(min(max(seconds / max(first, 1e-6), 3), 200))
        let samples = try (0..<count).map { _ in try once() }.sorted()
        let slowest = try communicator.numbers(samples[samples.count / 2], label: "time of a sum").max() ?? 0
        return SumTime(bytes: bytes, seconds: max(slowest, 1e-9))
    }

    /// Seconds.
    private static let latencyLimit = 1e-3
    /// Bytes a second: 1 Gbit/s, rounded down.
    private static let bandwidthLimit = 0.11e9

    static func duration(_ seconds: Double) -> String {
        if seconds < 1e-3 { return "\(Figures.threeDigits(seconds * 1e6)) µs" }
        return seconds < 1 ? "\(Figures.threeDigits(seconds * 1e3)) ms" : "\(Figures.threeDigits(seconds)) s"
    }

    private static func size(_ bytes: Int) -> String {
        if bytes < 1 << 10 { return "\(bytes) B" }
        return bytes < 1 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
    }
}
