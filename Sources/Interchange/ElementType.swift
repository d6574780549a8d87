import Foundation

/// The element types of stored tensors, by safetensors' names.
enum ElementType: String {
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case f64 = "F64"
    case i64 = "I64"
    case i32 = "I32"
    case u8 = "U8"
    case i16 = "I16"
    case i8 = "I8"
    case bool = "BOOL"
    case u16 = "U16"
    case u32 = "U32"
    case u64 = "U64"

    var bytes: Int {
        switch self {
        case .f64, .i64, .u64: return 8
        case .f32, .i32, .u32: return 4
        case .f16, .bf16, .i16, .u16: return 2
        case .u8, .i8, .bool: return 1
        }
    }

    /// Returns elements in single precision; nil for a type that has no values of weights.
    ///
    /// - Parameters:
    ///   - bytes: little-endian elements.
    ///   - indices: of the elements, each below `bytes.count / self.bytes`.
    func floats(_ bytes: UnsafeRawBufferPointer, at indices: some Sequence<Int>) -> [Float]? {
        func read<Element>(_ type: Element.Type, _ convert: (Element) -> Float) -> [Float] {
            indices.map { convert(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: Element.self)) }
        }
        switch self {
        case .f32: return read(UInt32.self) { Float(bitPattern: UInt32(littleEndian: $0)) }
        case .f64: return read(UInt64.self) { Float(Double(bitPattern: UInt64(littleEndian: $0))) }
        case .f16: return read(UInt16.self) { Self.half(UInt16(littleEndian: $0)) }
        case .bf16: return read(UInt16.self) { Float(bitPattern: UInt32(UInt16(littleEndian: $0)) << 16) }
        case .i64: return read(Int64.self) { Float(Int64(littleEndian: $0)) }
        case .i32: return read(Int32.self) { Float(Int32(littleEndian: $0)) }
        case .u8: return read(UInt8.self) { Float($0) }
        case .i16, .i8, .bool, .u16, .u32, .u64: return nil
        }
    }

    /// Converts a half-precision number (IEEE 754 binary16).
    private static func half(_ bits: UInt16) -> Float {
        let sign: Float = bits >> 15 == 0 ? 1 : -1
        let (exponent, fraction) = (Int(bits >> 10 & 31), Float(bits & 1023))
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction * 0x1p-10)
        }
    }
}
