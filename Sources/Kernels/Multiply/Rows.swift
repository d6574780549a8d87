/// Writes the pixels `rows` of a matrix [pixels × channels], numbered over the batch, to `target`. Kernels read such a matrix a few rows at
/// a time, so that it never exists as a whole. Several threads call it at once, for each pixel about once.
public typealias RowReader = (_ rows: Range<Int>, _ target: UnsafeMutablePointer<Float>) -> Void

/// A kernel calls this when the pixels `rows` of its result are complete and still in cache. Each pixel is reported exactly once. Several
/// threads call it at once. Calls with one `slot` never overlap and come in the same order at any number of threads, so that sums can be
/// kept by slot.
public typealias RowFinisher = (_ slot: Int, _ rows: Range<Int>) -> Void

/// The same for some of the channels. Each (pixel, channel) is reported exactly once. Calls with one slot and the same channels never
/// overlap and come in the same order.
public typealias BlockFinisher = (_ slot: Int, _ rows: Range<Int>, _ channels: Range<Int>) -> Void

/// A matrix [pixels × channels] that is in memory, or that is computed from others a few rows at a time.
public enum Rows {
    case stored(UnsafePointer<Float>)
    case computed(RowReader)

    /// Rows of a sweep over a whole matrix that one task handles. Fixed, so that sums do not depend on the number of threads.
    public static let blockSize = 512

    /// Copies or computes `rows` into `target`.
    @inline(__always)
    public func read(_ rows: Range<Int>, channels: Int, into target: UnsafeMutablePointer<Float>) {
        switch self {
        case .stored(let values): target.update(from: values + rows.lowerBound * channels, count: rows.count * channels)
        case .computed(let reader): reader(rows, target)
        }
    }

    /// Calls `body` with the memory of `rows`: the matrix itself, or scratch memory that they are computed into.
    @inline(__always)
    func withRows(_ rows: Range<Int>, channels: Int, _ context: KernelContext, _ body: (UnsafePointer<Float>) -> Void) {
        switch self {
        case .stored(let values): body(values + rows.lowerBound * channels)
        case .computed(let reader):
            context.buffers.withScratch(rows.count * channels) {
                reader(rows, $0)
                body($0)
            }
        }
    }

    /// Calls `body` with the whole matrix of `count` rows, computed in parallel where it is not stored.
    func withAll(_ count: Int, channels: Int, _ context: KernelContext, _ body: (UnsafePointer<Float>) -> Void) {
        switch self {
        case .stored(let values): body(values)
        case .computed(let reader):
            context.buffers.withScratch(count * channels) { target in
                context.threads.forEachBlock(count, blockSize: Self.blockSize) { reader($0, target + $0.lowerBound * channels) }
                body(target)
            }
        }
    }
}
