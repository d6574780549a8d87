import CZlib

/// The project's one checksum: CRC-32 as zlib computes it. It finds every change of up to 32 adjacent bits, and misses one of 2³² others.
public struct CRC32: Equatable, Sendable {
    public private(set) var value: UInt32 = 0

    public init() {}

    public init(_ bytes: UnsafeRawBufferPointer) {
        add(bytes)
    }

    /// Continues the checksum with more bytes.
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
