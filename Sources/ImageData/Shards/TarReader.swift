/// Finds the members of a tar file: their names, and where their bytes are. Reads headers only.
///
/// Formats: POSIX.1-1988 (ustar) and POSIX.1-2001 (pax), with GNU's long names and large numbers. Libraries such as libarchive read members
/// one after another, and do not tell where their bytes are; random access needs that. Each size is compared with the file before it is
/// used.
struct TarReader {
    /// A regular file in the archive.
    struct Member: Equatable {
        var name: [UInt8]
        /// The position of its bytes.
        var bytes: Range<Int>
        /// The first bytes, as many as were read with the header.
        var beginning: [UInt8]
    }

    /// A reason why a tar file cannot be read.
    struct Problem: Error, Equatable {
        var reason: String
    }

    private static let block = 512
    /// Bytes that are read at once. Two blocks after the header hold a label, so that it needs no reading of its own.
    private static let window = 3 * block
    /// The largest header of pax, and the longest name, in bytes.
    private static let largestHeader = 1 << 20

    private let size: Int
    private let read: (Range<Int>) throws -> [UInt8]
    /// From headers of their own, for the next member.
    private var longName: [UInt8]?
    private var longSize: Int?

    /// Returns all regular files.
    ///
    /// - Parameters:
    ///   - size: of the tar file, in bytes.
    ///   - read: returns the bytes at a position inside of the file.
    /// - Throws: `Problem`, or errors of `read`.
    static func members(size: Int, read: @escaping (Range<Int>) throws -> [UInt8]) throws -> [Member] {
        var reader = TarReader(size: size, read: read)
        return try reader.members()
    }

    private init(size: Int, read: @escaping (Range<Int>) throws -> [UInt8]) {
        (self.size, self.read) = (size, read)
    }

    private mutating func members() throws -> [Member] {
        var (members, position): ([Member], Int) = ([], 0)
        while position < size {
            let window = try read(position..<min(size, position + Self.window))
            if position == 0 { try Self.refuseOtherFormats(window) }
            guard window.count >= Self.block else { throw Self.truncated }
            let header = TarHeader(Array(window.prefix(Self.block)))
            // Two blocks of zeros end the archive. Some writers leave them out.
            if header.isEmpty { break }
            guard header.hasRightChecksum else { throw Problem(reason: "the header at byte \(position) is damaged; copy the file again") }
            let begin = position + Self.block
            guard let stored = header.size, stored <= size - begin else { throw Self.truncated }
            // The size in a header of pax is that of the next file.
            let count = header.isOfNextMember ? stored : longSize ?? stored
            guard count <= size - begin else { throw Self.truncated }
            if let member = try member(header, begin..<begin + count, window) { members.append(member) }
            position = begin + (count + Self.block - 1) / Self.block * Self.block
            guard position <= size else { throw Self.truncated }
        }
        return members
    }

    /// Reads one header.
    ///
    /// - Returns: nil for anything but a regular file.
    private mutating func member(_ header: TarHeader, _ bytes: Range<Int>, _ window: [UInt8]) throws -> Member? {
        switch header.type {
        case UInt8(ascii: "x"): try takePax(try contents(bytes))
        case UInt8(ascii: "L"): longName = Array(try contents(bytes).prefix { $0 != 0 })
        case UInt8(ascii: "g"), UInt8(ascii: "K"): break
        case UInt8(ascii: "S"), UInt8(ascii: "M"):
            throw Problem(reason: "it has a sparse file or a part of a file, which are not read; write it again without them")
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
            defer { (longName, longSize) = (nil, nil) }
            let beginning = window.dropFirst(Self.block).prefix(bytes.count)
            return Member(name: longName ?? header.name, bytes: bytes, beginning: Array(beginning))
        default: (longName, longSize) = (nil, nil)
        }
        return nil
    }

    private func contents(_ bytes: Range<Int>) throws -> [UInt8] {
        guard bytes.count <= Self.largestHeader else { throw Problem(reason: "it has a header of \(bytes.count) bytes") }
        return try read(bytes)
    }

    /// Records of pax are "LENGTH KEY=VALUE\n".
    private mutating func takePax(_ contents: [UInt8]) throws {
        var rest = contents[...]
        while !rest.isEmpty {
            guard let space = rest.prefix(20).firstIndex(of: UInt8(ascii: " ")),
                let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
                length <= rest.count, length >= space - rest.startIndex + 3,
                let sign = rest.prefix(length)[space...].firstIndex(of: UInt8(ascii: "="))
            else { throw Problem(reason: "a header of pax is damaged; copy the file again") }
            let value = rest[(sign + 1)..<(rest.startIndex + length - 1)]
            switch String(decoding: rest[(space + 1)..<sign], as: UTF8.self) {
            case "path": longName = Array(value)
            case "size":
                guard let size = Int(String(decoding: value, as: UTF8.self)), size >= 0 else {
                    throw Problem(reason: "a header of pax has a damaged size; copy the file again")
                }
                longSize = size
            case "GNU.sparse.major", "GNU.sparse.map", "GNU.sparse.size":
                throw Problem(reason: "it has a sparse file, which is not read; write it again without")
            default: break
            }
            rest = rest.dropFirst(length)
        }
    }

    private static let truncated = Problem(reason: "the file ends inside of a member; copy it again")

    private static func refuseOtherFormats(_ bytes: [UInt8]) throws {
        let formats: [(name: String, bytes: [UInt8])] = [
            ("gzip", [0x1F, 0x8B]), ("zstd", [0x28, 0xB5, 0x2F, 0xFD]), ("xz", [0xFD, 0x37, 0x7A]), ("bzip2", [0x42, 0x5A, 0x68]),
        ]
        if let format = formats.first(where: { bytes.starts(with: $0.bytes) }) {
            throw Problem(reason: "it is compressed (\(format.name)), so that single images cannot be read; decompress it first")
        }
    }
}

/// A header of a tar file: 512 bytes.
private struct TarHeader {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isEmpty: Bool { bytes.allSatisfy { $0 == 0 } }
    var type: UInt8 { bytes[156] }
    /// Whether the member describes the next one.
    var isOfNextMember: Bool { "xgLK".utf8.contains(type) }

    /// The name, with the prefix of ustar.
    var name: [UInt8] {
        let name = Array(bytes[..<100].prefix { $0 != 0 })
        let prefix = bytes[345..<500].prefix { $0 != 0 }
        // GNU's format has other fields there.
        guard bytes[257..<263].elementsEqual(Array("ustar\0".utf8)), !prefix.isEmpty else { return name }
        return prefix + [UInt8(ascii: "/")] + name
    }

    /// In bytes; nil if it is damaged.
    var size: Int? {
        let field = bytes[124..<136]
        // GNU writes large numbers in base 256.
        if let first = field.first, first & 0x80 != 0 {
            guard first == 0x80, field.dropFirst().prefix(3).allSatisfy({ $0 == 0 }) else { return nil }
            let number = field.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return Int(exactly: number)
        }
        return octal(field)
    }

    /// The sum of all bytes, those of the sum itself counted as spaces. Old writers added signed bytes.
    var hasRightChecksum: Bool {
        guard let expected = octal(bytes[148..<156]) else { return false }
        let (unsigned, signed) = bytes.enumerated().reduce((0, 0)) { sums, byte in
            let value = 148..<156 ~= byte.offset ? 32 : byte.element
            return (sums.0 + Int(value), sums.1 + Int(Int8(bitPattern: value)))
        }
        return expected == unsigned || expected == signed
    }

    private func octal(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
        guard digits.count <= 12, digits.allSatisfy({ (48...55).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 << 3 | Int($1 - 48) }
    }
}
