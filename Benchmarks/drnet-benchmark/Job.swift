import ArgumentParser
import Communication
import Foundation
import Kernels

/// The ranks of one measurement, with the threads and buffers of this rank.
struct Job {
    let communicator: Communicator
    let context: KernelContext
    /// Threads of this rank.
    var threads: Int { context.threads.count }

    private static let timeoutSeconds = 600.0

    /// Joins the job, makes the kernels' context, runs `body`, and leaves the job. An error on one rank ends all of them. Collective.
    ///
    /// - Parameters:
    ///   - threads: of each rank; nil for its share of the cores.
    ///   - winograd: see `KernelContext`.
    ///   - products: see `KernelContext`.
    ///   - instructions: of the tiles; nil for the fastest of this processor.
    ///   - precision: see `KernelContext`.
    static func run(
        threads: Int?, winograd: WinogradUse = .wherePays, products: ProductsKind = .tiles, instructions: InstructionSet? = nil,
        precision: Precision = .float32, _ body: (Job) throws -> Void
    ) throws {
        try RankJob.run(timeoutSeconds: timeoutSeconds) { ranks in
            let context = KernelContext(
                threadCount: threads ?? ranks.threadCount, winograd: winograd, products: products, instructions: instructions ?? .fastest,
                precision: precision)
            try body(Job(communicator: ranks.communicator, context: context))
        }
    }

    /// Seconds from the start of the first rank to the end of the last. Collective.
    func seconds(_ body: () throws -> Void) throws -> Double {
        try communicator.barrier(label: "before a timed step")
        return try Timing.seconds {
            try body()
            try communicator.barrier(label: "after a timed step")
        }
    }

    /// The sum over all ranks of their processes' peak resident memory; nil if the system does not report it. Collective.
    func peakMemoryBytes() throws -> Double? {
        let own = Self.residentPeak()
        var sums = [Double(own ?? 0), own == nil ? 1 : 0]
        try communicator.allReduceSum(&sums, label: "peak memory")
        return sums[1] == 0 ? sums[0] : nil
    }

    /// VmHWM of /proc/self/status, in bytes.
    private static func residentPeak() -> Int? {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }) else { return nil }
        return Int(line.filter(\.isNumber)).map { $0 * 1024 }
    }
}
