import CZlib

/// A CRC-32 checksum, as zlib computes it. The whole project uses this one.
///
/// It detects every change within 32 adjacent bits. Of all other changes, it misses one in 2³².
public struct CRC32: Equatable, Sendable {
    /// The checksum of all bytes so far.
    public private(set) var value: UInt32 = 0

    /// Creates the checksum of no bytes.
    public init() {}

    /// Computes the checksum of some bytes.
    public init(_ bytes: UnsafeRawBufferPointer) {
        add(bytes)
    }

    /// Appends bytes to the data that the checksum covers.
    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // zlib's length has 32 bits.
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            value = UInt32(truncatingIfNeeded: crc32(uLong(value), part.bindMemory(to: UInt8.self).baseAddress, UInt32(part.count)))
            rest = rest.dropFirst(part.count)
        }
    }
}
