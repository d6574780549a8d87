import Foundation

/// The header of a safetensors file: an 8-byte little-endian length, then JSON of that many bytes. The JSON has the element type, the shape
/// and the byte range of each tensor. https://huggingface.co/docs/safetensors
struct SafetensorsHeader {
    struct Entry {
        var type: ElementType
        var shape: [Int]
        /// The tensor's bytes, counted from the beginning of the file.
        var range: Range<Int>
    }

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
    }

    private(set) var entries: [String: Entry] = [:]
    private(set) var metadata: [String: String] = [:]

    /// The largest header in bytes, as in the format's reference library.
    private static let maximumLength = 100_000_000

    init(_ file: Data, path: String) throws {
        func malformed(_ reason: String) -> InterchangeError { .malformed(path: path, reason: reason) }
        guard file.count >= 8 else { throw malformed("\(file.count) bytes are too few for a safetensors file") }
        let length = file.prefix(8).enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) }
        guard length <= UInt64(Self.maximumLength), Int(length) <= file.count - 8 else {
            throw malformed("its header should have \(length) bytes, the file has \(file.count)")
        }
        let start = 8 + Int(length)
        guard let json = try? JSONSerialization.jsonObject(with: file[8..<start]) as? [String: Any] else {
            throw malformed("its header is no JSON object")
        }
        for (name, value) in json {
            if name == "__metadata__" {
                metadata = value as? [String: String] ?? [:]
                continue
            }
            entries[name] = try Self.entry(value, start: start, size: file.count - start) {
                malformed("tensor \(name): \($0)")
            }
        }
        let sorted = entries.sorted { $0.value.range.lowerBound < $1.value.range.lowerBound }
        for (first, second) in zip(sorted, sorted.dropFirst()) where first.value.range.upperBound > second.value.range.lowerBound {
            throw malformed("tensors \(first.key) and \(second.key) overlap")
        }
    }

    private static func entry(
        _ value: Any, start: Int, size: Int, _ malformed: (String) -> InterchangeError
    ) throws -> Entry {
        guard let fields = value as? [String: Any], let typeName = fields["dtype"] as? String,
            let shape = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int], offsets.count == 2
        else { throw malformed("dtype, shape or data_offsets is missing or of the wrong type") }
        guard let type = ElementType(rawValue: typeName) else { throw malformed("unknown element type \(typeName)") }
        guard 0 <= offsets[0], offsets[0] <= offsets[1], offsets[1] <= size else {
            throw malformed("its data is at bytes \(offsets[0])–\(offsets[1]), the file has \(size) bytes of data")
        }
        var bytes = type.bytes
        for extent in shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow else { throw malformed("impossible shape \(shape)") }
            bytes = product
        }
        guard bytes == offsets[1] - offsets[0] else {
            throw malformed("the shape \(shape) of \(typeName) needs \(bytes) bytes, not \(offsets[1] - offsets[0])")
        }
        return Entry(type: type, shape: shape, range: start + offsets[0]..<start + offsets[1])
    }
}
