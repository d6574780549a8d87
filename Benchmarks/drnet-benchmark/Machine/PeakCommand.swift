import ArgumentParser
import Console
import Foundation
import Interchange
import Kernels

/// The best performance of the machine, as a reference for measurements.
struct MachinePeak: Codable {
    var threads: Int
    /// OpenBLAS's sgemm of large square matrices on one core.
    var gigaFLOPsPerSecondOneThread: Double
    /// OpenBLAS's sgemm on all cores: each core computes its own product.
    var gigaFLOPsPerSecondAllThreads: Double
    /// a ← b with arrays that exceed the caches, on one core. This and the next three rates count the bytes that the program reads and
    /// writes. They do not count the bytes that the processor loads before it overwrites them.
    var copyGigabytesPerSecondOneThread: Double
    /// a ← b on all cores.
    var copyGigabytesPerSecondAllThreads: Double
    /// a ← b + s · c on one core.
    var triadGigabytesPerSecondOneThread: Double
    /// a ← b + s · c on all cores.
    var triadGigabytesPerSecondAllThreads: Double
}

struct PeakCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peak", abstract: "Measures sgemm and memory bandwidth on one core and on all, and prints a line of JSON.")

    @Option(help: "Threads (default: the cores of this process).")
    var threads: Int?
    @Option(help: "Rows and columns of the matrices.")
    var size = 2048
    @Option(help: "Size of each of the three arrays, in MiB.")
    var mebibytes = 128

    func validate() throws {
        if let threads { try Limits.require(threads, in: Limits.threads, "threads") }
        try Limits.require(size, in: 16...16_384, "size")
        try Limits.require(mebibytes, in: 1...65_536, "mebibytes")
    }

    func run() throws {
        try Job.run(threads: threads) { job in
            let products = SquareProducts(size: size, count: job.threads, job.context)
            let arrays = Arrays(mebibytes: mebibytes, job.context)
            let peak = MachinePeak(
                threads: job.threads, gigaFLOPsPerSecondOneThread: products.gigaFLOPsPerSecond(1),
                gigaFLOPsPerSecondAllThreads: products.gigaFLOPsPerSecond(job.threads),
                copyGigabytesPerSecondOneThread: arrays.copyRate(threads: 1),
                copyGigabytesPerSecondAllThreads: arrays.copyRate(threads: job.threads),
                triadGigabytesPerSecondOneThread: arrays.triadRate(threads: 1),
                triadGigabytesPerSecondAllThreads: arrays.triadRate(threads: job.threads))
            if job.communicator.rank == 0 { try Console.result(jsonLine(peak)) }
        }
    }
}

/// Returns the shortest of several runs, in seconds, so that other load on the machine matters little.
private func best(_ body: () -> Void) -> Double {
    let tries = 6
    return (0..<tries).map { _ in Timing.seconds(body) }.min() ?? .infinity
}

/// Square matrices for one product on each thread.
private struct SquareProducts {
    let size: Int
    private let operands: [Floats]
    private let context: KernelContext

    init(size: Int, count: Int, _ context: KernelContext) {
        self.context = context
        self.size = size
        operands = (0..<3 * count).map { _ in Floats(size * size, filled: 1) }
    }

    func gigaFLOPsPerSecond(_ count: Int) -> Double {
        let seconds = best {
            context.threads.forEach(count) { index in
                let (a, b, c) = (operands[3 * index], operands[3 * index + 1], operands[3 * index + 2])
                OpenBLASMultiplier().multiplyPlain(
                    MatrixView(a.data, rows: size, columns: size), MatrixView(b.data, rows: size, columns: size),
                    into: ResultView(c.data, rows: size, columns: size), accumulates: false)
            }
        }
        return 2 * Double(count) * Double(size) * Double(size) * Double(size) / seconds / 1e9
    }
}

/// Three arrays that several threads read and write in parallel.
private struct Arrays {
    private let count: Int
    private let a: Floats, b: Floats, c: Floats
    private let context: KernelContext

    init(mebibytes: Int, _ context: KernelContext) {
        self.context = context
        count = mebibytes << 18
        (a, b, c) = (Floats(count, filled: 1), Floats(count, filled: 2), Floats(count, filled: 3))
    }

    func copyRate(threads: Int) -> Double {
        rate(threads: threads, arrays: 2) { a.data.advanced(by: $0.lowerBound).update(from: b.data + $0.lowerBound, count: $0.count) }
    }

    func triadRate(threads: Int) -> Double {
        rate(threads: threads, arrays: 3) { range in
            let (a, b, c) = (a.data, UnsafePointer(b.data), UnsafePointer(c.data))
            for index in range { a[index] = b[index] + 0.5 * c[index] }
        }
    }

    private func rate(threads: Int, arrays: Int, _ body: (Range<Int>) -> Void) -> Double {
        let seconds = best { context.threads.forEachBlock(count, blockSize: (count + threads - 1) / threads, body) }
        return Double(arrays * count * MemoryLayout<Float>.stride) / seconds / 1e9
    }
}

/// An array of floats for a measurement, aligned to a cache line.
final class Floats {
    let data: UnsafeMutablePointer<Float>
    private static let cacheLine = 64

    init(_ count: Int, filled value: Float) {
        data = UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Float>.stride, alignment: Self.cacheLine)
            .bindMemory(to: Float.self, capacity: count)
        data.initialize(repeating: value, count: count)
    }

    deinit { data.deallocate() }
}
