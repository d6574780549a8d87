/// The numbers in which sums travel between the ranks. The sums are computed in 32 bits in any case.
public enum TransferFormat: Sendable {
    case float32
    /// The upper half of a 32-bit float: half the bytes, 8 instead of 24 significant bits.
    case bfloat16

    /// Of one number.
    var bytes: Int { self == .float32 ? MemoryLayout<Float>.stride : MemoryLayout<UInt16>.stride }
}

/// bfloat16 numbers as the upper halves of 32-bit floats.
enum BFloat16 {
    /// Rounds to the nearest number, and to the even one of two that are equally near. NaN stays NaN.
    static func rounded(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        // A NaN whose upper half has no significant bit would become infinite, and one with only ones would become zero.
        guard !value.isNaN else { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    static func float(_ value: UInt16) -> Float { Float(bitPattern: UInt32(value) << 16) }

    /// Rounds `values` in place, and copies the rounded numbers.
    static func round(_ values: UnsafeMutableBufferPointer<Float>, copy: UnsafeMutablePointer<UInt16>) {
        for index in values.indices {
            copy[index] = rounded(values[index])
            values[index] = float(copy[index])
        }
    }
}
