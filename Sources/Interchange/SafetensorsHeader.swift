import Foundation

/// The header of a safetensors file: an 8-byte little-endian length, then JSON of that many bytes. The JSON has the element type, the shape
/// and the byte range of each tensor. https://huggingface.co/docs/safetensors
///
/// The rules are those of the format's reference library: each name is there once, and the tensors cover all bytes after the header without
/// overlaps and gaps.
struct SafetensorsHeader {
    struct Entry {
        /// Nil for a type that this build does not know. Such a tensor has a place in the file, and cannot be read.
        var type: ElementType?
        /// The type as the file names it.
        var typeName: String
        var shape: [Int]
        /// The tensor's bytes, counted from the beginning of the file.
        var range: Range<Int>
    }

    private(set) var entries: [String: Entry] = [:]
    private(set) var metadata: [String: String] = [:]

    /// The largest header in bytes, as in the format's reference library.
    private static let maximumLength = 100_000_000
    private static let openingBrace = UInt8(ascii: "{")

    /// Reads and checks the header.
    ///
    /// - Throws: `ForeignFileError` if the file is of another kind; `InterchangeError.malformed` if it is damaged or incomplete.
    init(_ file: Data, path: String) throws {
        func malformed(_ reason: String) -> InterchangeError { .malformed(path: path, reason: reason) }
        let length = file.prefix(8).enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) }
        guard file.count > 8, length <= UInt64(Self.maximumLength), file[8] == Self.openingBrace else {
            if let contents = FileKind.advice(file, path: path) {
                throw ForeignFileError(path: path, expected: "a safetensors file", contents: contents)
            }
            guard file.count > 8 else { throw malformed("\(file.count) bytes are too few for a safetensors file. \(FileKind.again)") }
            throw malformed("it does not begin with the length and the '{' of a safetensors header")
        }
        let start = 8 + Int(length)
        guard start <= file.count else {
            throw malformed("it ends within its header, after \(file.count) of \(start) bytes: incomplete. \(FileKind.again)")
        }
        let text = file[8..<start]
        guard let json = try? JSONSerialization.jsonObject(with: text) as? [String: Any] else {
            throw malformed("its header is no JSON object")
        }
        if let name = JSONKeys.firstDuplicate(in: text) { throw malformed("its header has the key \(name) twice") }
        for (name, value) in json where name != "__metadata__" {
            entries[name] = try Self.entry(value, start: start) { malformed("tensor \(name): \($0)") }
        }
        if let value = json["__metadata__"] {
            guard let texts = value as? [String: String] else { throw malformed("__metadata__ is not an object of texts") }
            metadata = texts
        }
        try Self.checkCoverage(entries, start: start, size: file.count, malformed)
    }

    private static func entry(_ value: Any, start: Int, _ malformed: (String) -> InterchangeError) throws -> Entry {
        guard let fields = value as? [String: Any], let typeName = fields["dtype"] as? String,
            let shape = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int], offsets.count == 2
        else { throw malformed("dtype, shape or data_offsets is missing or of the wrong type") }
        let end = offsets[1].addingReportingOverflow(start)
        guard 0 <= offsets[0], offsets[0] <= offsets[1], !end.overflow else {
            throw malformed("its data is at the impossible bytes \(offsets[0])–\(offsets[1])")
        }
        let type = ElementType(rawValue: typeName)
        var bytes = type?.bytes ?? 1
        for extent in shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow else { throw malformed("impossible shape \(shape)") }
            bytes = product
        }
        guard type == nil || bytes == offsets[1] - offsets[0] else {
            throw malformed("the shape \(shape) of \(typeName) needs \(bytes) bytes, not \(offsets[1] - offsets[0])")
        }
        return Entry(type: type, typeName: typeName, shape: shape, range: start + offsets[0]..<end.partialValue)
    }

    /// Refuses tensors that overlap or leave bytes between them, and a file that ends too early or too late.
    private static func checkCoverage(
        _ entries: [String: Entry], start: Int, size: Int, _ malformed: (String) -> InterchangeError
    ) throws {
        let sorted = entries.sorted {
            ($0.value.range.lowerBound, $0.value.range.upperBound, $0.key) < ($1.value.range.lowerBound, $1.value.range.upperBound, $1.key)
        }
        var (covered, last) = (start, "")
        for (name, entry) in sorted {
            if entry.range.lowerBound < covered { throw malformed("tensors \(last) and \(name) overlap") }
            if entry.range.lowerBound > covered {
                throw malformed("\(entry.range.lowerBound - covered) bytes before the data of \(name) belong to no tensor")
            }
            (covered, last) = (entry.range.upperBound, name)
        }
        if covered > size {
            throw malformed("it has \(size) of \(covered) bytes: an incomplete download or copy. \(FileKind.again)")
        }
        if covered < size { throw malformed("it has \(size - covered) bytes after its last tensor") }
    }
}

/// Keys of JSON text. `JSONSerialization` silently takes one of two equal keys.
enum JSONKeys {
    /// Returns a key that an object has twice; nil if there is none.
    ///
    /// - Parameter text: valid JSON.
    static func firstDuplicate(in text: Data) -> String? {
        let bytes = [UInt8](text)
        var objects: [Set<String>] = []
        var position = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "{"): objects.append([])
            case UInt8(ascii: "}"): _ = objects.popLast()
            case UInt8(ascii: "\""):
                let start = position
                position += 1
                while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
                    position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
                }
                var next = position + 1
                while next < bytes.count, [0x20, 9, 10, 13].contains(bytes[next]) { next += 1 }
                guard next < bytes.count, bytes[next] == UInt8(ascii: ":"), !objects.isEmpty else { break }
                let key = string(bytes[start...position])
                if !objects[objects.count - 1].insert(key).inserted { return key }
            default: break
            }
            position += 1
        }
        return nil
    }

    /// Decodes a string in quotes.
    private static func string(_ quoted: ArraySlice<UInt8>) -> String {
        guard quoted.contains(UInt8(ascii: "\\")) else { return String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self) }
        let value = try? JSONSerialization.jsonObject(with: Data(quoted), options: .fragmentsAllowed)
        return value as? String ?? String(decoding: quoted, as: UTF8.self)
    }
}
