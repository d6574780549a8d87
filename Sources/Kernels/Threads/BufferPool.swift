import Foundation

/// Recycles float buffers, so that training allocates nothing in its steady state.
///
/// Sizes are rounded up to four classes per power of two. The sizes of sub-batches change from step to step, and a slightly larger buffer
/// can be reused. At most a fifth of a buffer is unused.
public final class BufferPool: @unchecked Sendable {
    /// The alignment in bytes: a cache line. It prevents vector loads from crossing cache lines.
    private static let alignment = 64

    private let lock = NSLock()
    private var free: [Int: [UnsafeMutablePointer<Float>]] = [:]
    /// Bytes allocated from the system and not yet freed.
    public private(set) var allocatedBytes = 0

    /// Creates an empty pool.
    public init() {}

    /// Frees the buffers in the pool. All buffers must have been returned by then; others are leaked.
    deinit {
        for buffer in free.values.joined() { buffer.deallocate() }
    }

    /// Returns an uninitialised buffer of at least `count` floats.
    public func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let size = Self.sizeClass(count)
        lock.lock()
        if let buffer = free[size]?.popLast() {
            lock.unlock()
            return buffer
        }
        allocatedBytes += size * MemoryLayout<Float>.stride
        lock.unlock()
        return UnsafeMutableRawPointer.allocate(
            byteCount: size * MemoryLayout<Float>.stride, alignment: Self.alignment
        ).bindMemory(to: Float.self, capacity: size)
    }

    /// Returns a buffer to the pool. `count` must be the same as in `take`.
    public func give(_ buffer: UnsafeMutablePointer<Float>, count: Int) {
        lock.lock()
        free[Self.sizeClass(count), default: []].append(buffer)
        lock.unlock()
    }

    /// Frees the buffers in the pool. Those that are in use stay.
    ///
    /// Training steps and evaluations need buffers of different sizes. Released between them, the pool never holds both.
    public func release() {
        lock.lock()
        let unused = free
        free = [:]
        for (size, buffers) in unused { allocatedBytes -= buffers.count * size * MemoryLayout<Float>.stride }
        lock.unlock()
        for buffer in unused.values.joined() { buffer.deallocate() }
    }

    /// Calls `body` with scratch memory of `count` floats.
    @inline(__always)
    public func withScratch<Result>(
        _ count: Int, _ body: (UnsafeMutablePointer<Float>) throws -> Result
    ) rethrows -> Result {
        let buffer = take(count)
        defer { give(buffer, count: count) }
        return try body(buffer)
    }

    /// Returns an uninitialised buffer of at least `byteCount` bytes, aligned to a cache line.
    public func take(byteCount: Int) -> UnsafeMutableRawPointer { UnsafeMutableRawPointer(take(Self.floats(byteCount))) }

    /// Returns a buffer to the pool. `byteCount` must be the same as in `take`.
    public func give(_ buffer: UnsafeMutableRawPointer, byteCount: Int) {
        give(buffer.assumingMemoryBound(to: Float.self), count: Self.floats(byteCount))
    }

    private static func floats(_ byteCount: Int) -> Int { (byteCount + MemoryLayout<Float>.stride - 1) / MemoryLayout<Float>.stride }

    /// Calls `body` with scratch memory of at least `byteCount` bytes, aligned to a cache line.
    @inline(__always)
    func withScratchBytes<Result>(_ byteCount: Int, _ body: (UnsafeMutableRawPointer) throws -> Result) rethrows -> Result {
        try withScratch(Self.floats(byteCount)) { try body(UnsafeMutableRawPointer($0)) }
    }

    static func sizeClass(_ count: Int) -> Int {
        let minimum = 256
        if count <= minimum { return minimum }
        let exponent = Int.bitWidth - 1 - (count - 1).leadingZeroBitCount
        let step = 1 << (exponent - 2)
        return (count + step - 1) / step * step
    }
}
