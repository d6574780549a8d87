/// A bfloat16 number: the upper half of a float, with 8 significant bits.
///
/// Rounding is to nearest, ties to even, and subnormal numbers become zero, as with the instruction VCVTNEPS2BF16.
public struct BFloat16: Equatable, Sendable {
    public var bits: UInt16

    /// The number nearest to a float.
    @inline(__always)
    public init(rounding value: Float) { bits = UInt16(truncatingIfNeeded: Self.roundedBits(value) >> 16) }

    /// The bits of the number nearest to a float, as a float. There is no branch, so that loops vectorise.
    @inline(__always)
    private static func roundedBits(_ value: Float) -> UInt32 {
        let bits = value.bitPattern
        let nearest = bits &+ 0x7FFF &+ (bits >> 16 & 1)
        // A NaN stays one: without the bit, the upper half could be that of an infinite number.
        let number = bits & 0x7FFF_FFFF > 0x7F80_0000 ? bits | 0x40_0000 : nearest
        return (bits & 0x7F80_0000 == 0 ? bits & 0x8000_0000 : number) & 0xFFFF_0000
    }

    /// numbers ← `count` floats.
    static func round(_ floats: UnsafePointer<Float>, count: Int, into numbers: UnsafeMutablePointer<BFloat16>) {
        for index in 0..<count { numbers[index] = BFloat16(rounding: floats[index]) }
    }

    /// rounded ← the numbers nearest to `count` floats, as floats.
    static func round(_ floats: UnsafePointer<Float>, count: Int, into rounded: UnsafeMutablePointer<Float>) {
        for index in 0..<count { rounded[index] = Float(bitPattern: roundedBits(floats[index])) }
    }
}

/// A type of the numbers that a training pass keeps in memory. Kernels compute in floats.
protocol StoredNumber {
    var float: Float { get }
}

extension Float: StoredNumber {
    @inline(__always)
    var float: Float { self }
}

extension BFloat16: StoredNumber {
    @inline(__always)
    public var float: Float { Float(bitPattern: UInt32(bits) << 16) }
}
