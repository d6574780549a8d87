import Foundation

/// Compares the speed of kernel sets on this processor.
///
/// The flags of instructions do not tell. VDPBF16PS has twice the multiply-adds of a float instruction on a Zen 4, and half of them on an
/// Emerald Rapids, whose fast bfloat16 unit is AMX. A Zen 4 computes 512 bits in two cycles, so its tiles of AVX-512 are no faster than
/// those of AVX2 (docs/performance.md).
enum TileRate {
    private static let (rows, columns, depth) = (84, 32, 512)
    private static let rounds = 7

    /// Whether `set` takes less than 1 / `factor` of the other set's time for a product in cache. Takes less than a millisecond.
    static func isFaster(_ set: KernelSet, than other: KernelSet, by factor: Double = 1) -> Bool {
        let buffers = BufferPool()
        let times = buffers.withScratch(rows * depth + depth * columns + rows * columns) { memory in
            memory.update(repeating: 1, count: rows * depth + depth * columns)
            let multipliers = [set, other].map { TileMultiplier($0) }
            for multiplier in multipliers { _ = seconds(multiplier, memory, buffers) }
            return (0..<rounds).map { _ in multipliers.map { seconds($0, memory, buffers) } }
        }
        let fastest = [0, 1].map { index in times.map { $0[index] }.min() ?? 0 }
        return fastest[0] * factor < fastest[1]
    }

    private static func seconds(_ multiplier: TileMultiplier, _ memory: UnsafeMutablePointer<Float>, _ buffers: BufferPool) -> TimeInterval
    {
        let (right, result) = (memory + rows * depth, memory + rows * depth + depth * columns)
        let start = ProcessInfo.processInfo.systemUptime
        multiplier.multiply(
            MatrixView(memory, rows: rows, columns: depth), .matrix(MatrixView(right, rows: depth, columns: columns)),
            into: ResultView(result, rows: rows, columns: columns), accumulates: false, buffers)
        return ProcessInfo.processInfo.systemUptime - start
    }
}
