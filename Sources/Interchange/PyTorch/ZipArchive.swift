import Foundation

/// The entries of a zip archive, found through the directory at its end. Nothing is unpacked, and names are never paths.
///
/// Sizes and positions are checked against the file before anything is read. An archive is refused if two entries have the same name or
/// share bytes. Format: PKWARE's APPNOTE, with 64-bit sizes, as PyTorch writes it.
struct ZipArchive {
    struct Entry {
        /// The entry's data in the file, as stored.
        var range: Range<Int>
        var isCompressed: Bool
        var checksum: UInt32
    }

    /// The first bytes of an archive with entries.
    static let signature: [UInt8] = [0x50, 0x4B, 3, 4]

    private(set) var entries: [String: Entry] = [:]
    private let bytes: LittleEndianBytes
    private let path: String

    /// - Parameters:
    ///   - data: all bytes of the file. The first index is 0.
    ///   - path: the file's name, for messages.
    /// - Throws: `InterchangeError.malformed`.
    init(_ data: Data, path: String) throws {
        bytes = LittleEndianBytes(data: data)
        self.path = path
        let directory = try findDirectory()
        var (position, ranges): (Int, [(range: Range<Int>, name: String)]) = (directory.range.lowerBound, [])
        for _ in 0..<directory.count {
            let (name, entry, start, next) = try readEntry(at: position, directory.range)
            position = next
            guard entries.updateValue(entry, forKey: name) == nil else { throw malformed("its directory has the entry \(name) twice") }
            ranges.append((start..<entry.range.upperBound, name))
        }
        ranges.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        for (first, second) in zip(ranges, ranges.dropFirst()) where second.range.lowerBound < first.range.upperBound {
            throw malformed("the entries \(first.name) and \(second.name) overlap")
        }
    }

    /// Returns the data of an entry, after a check of its checksum.
    func data(of name: String) throws -> Data {
        guard let entry = entries[name] else { throw malformed("it has no entry \(name)") }
        guard !entry.isCompressed else {
            throw malformed("the entry \(name) is compressed, which PyTorch never does. Save the weights again with torch.save")
        }
        let data = bytes.data[entry.range]
        guard data.withUnsafeBytes({ CRC32($0).value }) == entry.checksum else {
            throw malformed("the checksum of the entry \(name) is wrong. \(FileKind.again)")
        }
        return data
    }

    func malformed(_ reason: String) -> InterchangeError { .malformed(path: path, reason: reason) }

    // MARK: - Directory

    private func number(_ position: Int, _ size: Int) throws -> Int {
        guard let number = bytes.number(at: position, size: size) else {
            throw malformed("its zip directory refers to bytes that it does not have. \(FileKind.again)")
        }
        return number
    }

    /// Finds the directory: the number of its entries, and its bytes.
    private func findDirectory() throws -> (count: Int, range: Range<Int>) {
        let end = try findEnd()
        var (count, size, offset) = (try number(end + 10, 2), try number(end + 12, 4), try number(end + 16, 4))
        var limit = end
        if count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF {
            guard end >= 20, try number(end - 20, 4) == 0x0706_4B50 else { throw malformed("its zip directory has no 64-bit sizes") }
            let record = try number(end - 12, 8)
            guard record <= end - 20 - 56, try number(record, 4) == 0x0606_4B50 else {
                throw malformed("its zip directory has no 64-bit sizes")
            }
            (count, size, offset) = (try number(record + 32, 8), try number(record + 40, 8), try number(record + 48, 8))
            limit = record
        }
        guard offset <= limit, size <= limit - offset, count <= size / 46 else {
            throw malformed("its zip directory is larger than the file. \(FileKind.again)")
        }
        return (count, offset..<offset + size)
    }

    /// Finds the record at the end of the archive. A comment of at most 65,535 bytes can follow it.
    private func findEnd() throws -> Int {
        let last = bytes.count - 22
        var position = last
        while position >= max(0, last - 0xFFFF) {
            if bytes.data[position] == 0x50, try number(position, 4) == 0x0605_4B50, try number(position + 20, 2) == last - position {
                return position
            }
            position -= 1
        }
        throw malformed("the directory at the end of the zip archive is missing: an incomplete download or copy. \(FileKind.again)")
    }

    /// Reads one entry of the directory, and the position of its data.
    ///
    /// - Returns: also the entry's first byte in the file, and the position of the next entry of the directory.
    private func readEntry(at position: Int, _ directory: Range<Int>) throws -> (name: String, entry: Entry, start: Int, next: Int) {
        guard position <= directory.upperBound - 46, try number(position, 4) == 0x0201_4B50 else {
            throw malformed("its zip directory is damaged. \(FileKind.again)")
        }
        let lengths = (name: try number(position + 28, 2), extra: try number(position + 30, 2), comment: try number(position + 32, 2))
        let next = position + 46 + lengths.name + lengths.extra + lengths.comment
        guard next <= directory.upperBound, let name = bytes.text(at: position + 46, count: lengths.name) else {
            throw malformed("a name in its zip directory is damaged. \(FileKind.again)")
        }
        guard try number(position + 8, 2) & 1 == 0 else { throw malformed("the entry \(name) is encrypted") }
        let extra = position + 46 + lengths.name..<position + 46 + lengths.name + lengths.extra
        let (stored, size, start) = try sizes(at: position, extra: extra, name)
        let isCompressed = try number(position + 10, 2) != 0
        guard isCompressed || stored == size else { throw malformed("the entry \(name) has two sizes, \(stored) and \(size) bytes") }
        guard start <= directory.lowerBound - 30, try number(start, 4) == 0x0403_4B50,
            bytes.text(at: start + 30, count: try number(start + 26, 2)) == name
        else { throw malformed("the entry \(name) is not where its zip directory says. \(FileKind.again)") }
        let begin = start + 30 + lengths.name + (try number(start + 28, 2))
        guard begin <= directory.lowerBound, stored <= directory.lowerBound - begin else {
            throw malformed("the entry \(name) of \(stored) bytes ends outside of the file. \(FileKind.again)")
        }
        let checksum = UInt32(truncatingIfNeeded: try number(position + 16, 4))
        return (name, Entry(range: begin..<begin + stored, isCompressed: isCompressed, checksum: checksum), start, next)
    }

    /// The stored size, the size and the position of an entry. Those that need 64 bits are in the extra field 1, in a fixed order.
    private func sizes(at position: Int, extra: Range<Int>, _ name: String) throws -> (stored: Int, size: Int, start: Int) {
        var (stored, size, start) = (try number(position + 20, 4), try number(position + 24, 4), try number(position + 42, 4))
        var field = extra.lowerBound
        while field <= extra.upperBound - 4 {
            let (kind, length) = (try number(field, 2), try number(field + 2, 2))
            var value = field + 4
            field = value + length
            guard field <= extra.upperBound else { throw malformed("the entry \(name) has a damaged extra field") }
            guard kind == 1 else { continue }
            func replace(_ number: inout Int) throws {
                guard number == 0xFFFF_FFFF, value <= field - 8 else { return }
                number = try self.number(value, 8)
                value += 8
            }
            try replace(&size)
            try replace(&stored)
            try replace(&start)
        }
        return (stored, size, start)
    }
}
