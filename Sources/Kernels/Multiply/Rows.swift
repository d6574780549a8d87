/// Writes the pixels `rows` (numbered over the batch) of a matrix [pixels × channels] to `target`. Kernels read such a matrix a few rows at
/// a time; it never exists as a whole. Several threads call the reader concurrently, about once per pixel.
public typealias RowReader = (_ rows: Range<Int>, _ target: UnsafeMutablePointer<Float>) -> Void

/// Receives the pixels `rows` of a kernel's result when they are complete and still in cache. Each pixel is reported exactly once. Several
/// threads call the finisher concurrently. Calls with the same `slot` never overlap, and their order does not depend on the number of
/// threads. A finisher can therefore keep one sum per slot.
public typealias RowFinisher = (_ slot: Int, _ rows: Range<Int>) -> Void

/// Receives `rows` of a kernel's result for some of the channels. Each (pixel, channel) is reported exactly once. Calls with the same slot
/// and channels never overlap, and their order is fixed.
public typealias BlockFinisher = (_ slot: Int, _ rows: Range<Int>, _ channels: Range<Int>) -> Void

/// A matrix [pixels × channels] that is either stored in memory or computed a few rows at a time.
public enum Rows {
    case stored(UnsafePointer<Float>)
    case computed(RowReader)

    /// Rows per task in a sweep over a whole matrix. It is fixed, so that sums do not depend on the number of threads.
    public static let blockSize = 512

    /// The rows from this one on.
    public func from(_ first: Int, channels: Int) -> Rows {
        switch self {
        case .stored(let values): return .stored(values + first * channels)
        case .computed(let reader): return .computed { reader($0.lowerBound + first..<$0.upperBound + first, $1) }
        }
    }

    /// Copies or computes `rows` into `target`.
    @inline(__always)
    public func read(_ rows: Range<Int>, channels: Int, into target: UnsafeMutablePointer<Float>) {
        switch self {
        case .stored(let values): target.update(from: values + rows.lowerBound * channels, count: rows.count * channels)
        case .computed(let reader): reader(rows, target)
        }
    }

    /// Calls `body` with the memory of `rows`: the matrix itself, or scratch memory with the computed rows.
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

    /// Calls `body` with the whole matrix of `count` rows. Computes it in parallel first if it is not stored.
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
