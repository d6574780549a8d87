import CMicroKernels
import Foundation

/// Measures whether AVX512-BF16 multiplies faster than the tiles of floats.
///
/// The flag of the instruction does not tell. VDPBF16PS has twice the multiply-adds of a float instruction on a Zen 4, and half of them on
/// a Sapphire Rapids and an Emerald Rapids, whose fast bfloat16 unit is AMX (docs/performance.md).
enum PairRate {
    private static let tiles = 8
    private static let depth = 512
    private static let rounds = 5

    /// Compares one product of numbers in the first-level cache. Takes less than a millisecond. The processor needs the instruction.
    static func pairsAreFaster() -> Bool {
        let (rows, columns) = (tiles * AVX512Tile.rows, AVX512Tile.columns)
        let memory = UnsafeMutablePointer<Float>.allocate(capacity: rows * depth + depth * columns + rows * columns)
        defer { memory.deallocate() }
        memory.initialize(repeating: 1, count: rows * depth + depth * columns + rows * columns)
        let (right, result) = (memory + rows * depth, memory + rows * depth + depth * columns)
        func seconds(_ set: KernelSet) -> TimeInterval {
            let words = set.element.words(depth)
            let tile = MicroTile(
                depth: words, isTransposed: false, leftStride: words, rightStride: columns, resultStride: columns, accumulates: false)
            let prefetch = Prefetch.panel(right, rowStride: columns, panelStride: 0, tiles: tiles, set)
            let start = ProcessInfo.processInfo.systemUptime
            set.multiply(
                tile, .init(left: memory, right: right, result: result, prefetch: prefetch, prefetchShift: 0), rows: AVX512Tile.rows,
                columns: columns, count: tiles)
            return ProcessInfo.processInfo.systemUptime - start
        }
        let times = (0..<rounds).map { _ in (pairs: seconds(.avx512Pairs), floats: seconds(KernelSet(.avx512))) }
        return times.map(\.pairs).min()! < times.map(\.floats).min()!
    }
}
