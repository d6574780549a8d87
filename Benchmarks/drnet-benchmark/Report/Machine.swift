import Foundation

/// The machine that ran the benchmark.
struct Machine: Encodable {
    /// The name of the processor; "unknown processor" if the system does not report it.
    var processor: String
    /// The number of cores that this process can use.
    var cores: Int
    /// The best values of all rounds; nil if they were not measured.
    var peak: MachinePeak?

    init(peaks: [MachinePeak]) {
        let description = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = description.split(separator: "\n").first { $0.hasPrefix("model name") }
        processor = line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
        cores = ProcessInfo.processInfo.activeProcessorCount
        peak = peaks.first.map { first in
            func best(_ value: KeyPath<MachinePeak, Double>) -> Double { peaks.map { $0[keyPath: value] }.max() ?? 0 }
            return MachinePeak(
                threads: first.threads, gigaFLOPsPerSecondOneThread: best(\.gigaFLOPsPerSecondOneThread),
                gigaFLOPsPerSecondAllThreads: best(\.gigaFLOPsPerSecondAllThreads),
                copyGigabytesPerSecondOneThread: best(\.copyGigabytesPerSecondOneThread),
                copyGigabytesPerSecondAllThreads: best(\.copyGigabytesPerSecondAllThreads),
                triadGigabytesPerSecondOneThread: best(\.triadGigabytesPerSecondOneThread),
                triadGigabytesPerSecondAllThreads: best(\.triadGigabytesPerSecondAllThreads))
        }
    }

    /// Returns sgemm's best GFLOP/s on a number of cores.
    func peak(threads: Int) -> Double? {
        peak.map { threads == 1 ? $0.gigaFLOPsPerSecondOneThread : $0.gigaFLOPsPerSecondAllThreads * Double(threads) / Double($0.threads) }
    }

    /// A description in one line.
    var text: String {
        let name = "\(cores) \(cores == 1 ? "core" : "cores"), \(processor)"
        guard let peak else { return name }
        return name
            + String(
                format: "; sgemm %.0f GFLOP/s on one core, %.0f on %d; memory %.0f GB/s copying, %.0f GB/s in triads",
                peak.gigaFLOPsPerSecondOneThread, peak.gigaFLOPsPerSecondAllThreads, peak.threads,
                peak.copyGigabytesPerSecondAllThreads, peak.triadGigabytesPerSecondAllThreads)
    }
}
