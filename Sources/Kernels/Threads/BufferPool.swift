import Foundation

/// Recycles float buffers, so that the steady state of training allocates nothing.
///
/// Sizes are rounded up to four classes per power of two: sub-batches change their size from step to step, and a buffer of a
/// slightly larger one serves as well (at most a fifth is wasted).
public final class BufferPool: @unchecked Sendable {
    /// Cache lines are 64 bytes; aligning to them keeps vector loads from straddling two.
    private static let alignment = 64

    private let lock = NSLock()
    private var free: [Int: [UnsafeMutablePointer<Float>]] = [:]
    /// Bytes ever taken from the system and not given back.
    public private(set) var allocatedBytes = 0

    public init() {}

    /// All buffers must have been given back; those that were not are leaked.
    deinit {
        for buffer in free.values.joined() { buffer.deallocate() }
    }

    /// An uninitialised buffer of at least `count` floats.
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

    /// Gives a buffer back that was taken with the same `count`.
    public func give(_ buffer: UnsafeMutablePointer<Float>, count: Int) {
        lock.lock()
        free[Self.sizeClass(count), default: []].append(buffer)
        lock.unlock()
    }

    /// Scratch memory for the duration of `body`.
    @inline(__always)
    public func withScratch<Result>(
        _ count: Int, _ body: (UnsafeMutablePointer<Float>) throws -> Result
    ) rethrows -> Result {
        let buffer = take(count)
        defer { give(buffer, count: count) }
        return try body(buffer)
    }

    /// The same in bytes, aligned to a cache line.
    public func take(byteCount: Int) -> UnsafeMutableRawPointer { UnsafeMutableRawPointer(take(Self.floats(byteCount))) }

    /// Gives back what was taken with the same `byteCount`.
    public func give(_ buffer: UnsafeMutableRawPointer, byteCount: Int) {
        give(buffer.assumingMemoryBound(to: Float.self), count: Self.floats(byteCount))
    }

    private static func floats(_ byteCount: Int) -> Int { (byteCount + MemoryLayout<Float>.stride - 1) / MemoryLayout<Float>.stride }

    /// Scratch memory of at least `byteCount` bytes for the duration of `body`, aligned to a cache line.
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
