import ArgumentParser
import Communication
import Foundation
import Kernels

/// The ranks of one measurement: this process alone, or those that mpirun started.
struct Job {
    let communicator: Communicator
    let context: KernelContext
    /// Threads of this rank.
    var threads: Int { context.threads.count }

    private static let timeoutSeconds = 600.0

    /// Joins the job, sets the kernels up, runs `body` and leaves. An error on one rank ends all of them.
    ///
    /// - Parameter threads: of each rank; nil for its share of the cores.
    static func run(threads: Int?, winograd: WinogradUse = .wherePays, products: ProductsKind = .tiles, _ body: (Job) throws -> Void) throws
    {
        let communicator = try ProcessEnvironment.makeCommunicator(timeoutSeconds: timeoutSeconds)
        do {
            let threads = try threads ?? CoreMap.gather(communicator).threadCount(rank: communicator.rank)
            try body(Job(communicator: communicator, context: KernelContext(threadCount: threads, winograd: winograd, products: products)))
            try communicator.finalize()
        } catch {
            guard communicator.rankCount > 1 else { throw error }
            FileHandle.standardError.write(Data("drnet-benchmark: rank \(communicator.rank): \(error)\n".utf8))
            communicator.abort(status: 1)
        }
    }

    /// Seconds from when the first rank begins to when the last has ended. Collective.
    func seconds(_ body: () throws -> Void) throws -> Double {
        try communicator.barrier(label: "before a timed step")
        return try Timing.seconds {
            try body()
            try communicator.barrier(label: "after a timed step")
        }
    }

    /// The largest resident memory that the processes of all ranks have had, summed; nil where the system does not tell. Collective.
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
