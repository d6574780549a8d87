/// The first directory of a TIFF file, which is the format of EXIF data. Never reads outside of the data.
///
/// It reads what Pillow reads: it stops at the first entry whose value is outside of the data, and keeps the entries before it.
struct TIFFDirectory {
    private static let orientationTag = 0x0112

    private let bytes: ArraySlice<UInt8>
    private let isBigEndian: Bool

    /// Returns the value of the tag Orientation; 0 if the tag has a value that is no whole number, nil if there is no such tag.
    ///
    /// - Parameter data: a TIFF file. "Exif\0\0" before it, once or twice, is skipped.
    static func orientation(_ data: ArraySlice<UInt8>) -> Int? {
        let marker = Array("Exif\0\0".utf8)
        var data = data
        for _ in 0..<2 where data.starts(with: marker) { data = data.dropFirst(marker.count) }
        guard let directory = TIFFDirectory(data) else { return nil }
        return directory.value(of: orientationTag)
    }

    private init?(_ bytes: ArraySlice<UInt8>) {
        let headers: [(header: [UInt8], isBigEndian: Bool)] = [
            ([0x4D, 0x4D, 0, 42], true), ([0x49, 0x49, 42, 0], false),
            // Invalid, but some programs write them.
            ([0x4D, 0x4D, 42, 0], true), ([0x49, 0x49, 0, 42], false), ([0x4D, 0x4D, 0, 43], true),
        ]
        guard let found = headers.first(where: { bytes.starts(with: $0.header) }) else { return nil }
        self.bytes = bytes
        isBigEndian = found.isBigEndian
    }

    private func value(of tag: Int) -> Int? {
        guard let start = integer(at: 4, size: 4), let count = integer(at: start, size: 2) else { return nil }
        var total = 0
        for index in 0..<count {
            let entry = start + 2 + 12 * index
            guard entry + 12 <= bytes.count, let name = integer(at: entry, size: 2), let type = integer(at: entry + 2, size: 2),
                let valueCount = integer(at: entry + 4, size: 4)
            else { return nil }
            guard let unit = Self.sizes[type], valueCount > 0 else { continue }
            var position = entry + 8
            if valueCount * unit > 4 {
                total += valueCount * unit
                if total > bytes.count { continue }
                guard let offset = integer(at: entry + 8, size: 4), offset + valueCount * unit <= bytes.count else { return nil }
                position = offset
            }
            if name == tag { return number(at: position, type: type) ?? 0 }
        }
        return nil
    }

    /// The size of a value of each type, in bytes.
    private static let sizes = [1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8]

    /// Returns the first value of a number type as a whole number; nil for other types and other numbers.
    private func number(at position: Int, type: Int) -> Int? {
        switch type {
        case 3, 8: integer(at: position, size: 2)
        case 4, 9, 13: integer(at: position, size: 4)
        case 6: integer(at: position, size: 1)
        case 5, 10: quotient(integer(at: position, size: 4), integer(at: position + 4, size: 4))
        case 11: integer(at: position, size: 4).flatMap { Int(exactly: Float(bitPattern: UInt32($0))) }
        case 12: unsigned(at: position, size: 8).flatMap { Int(exactly: Double(bitPattern: $0)) }
        case 16: unsigned(at: position, size: 8).flatMap { Int(exactly: $0) }
        default: nil
        }
    }

    private func quotient(_ numerator: Int?, _ denominator: Int?) -> Int? {
        guard let numerator, let denominator, denominator != 0, numerator % denominator == 0 else { return nil }
        return numerator / denominator
    }

    private func integer(at position: Int, size: Int) -> Int? {
        unsigned(at: position, size: size).map { Int($0) }
    }

    private func unsigned(at position: Int, size: Int) -> UInt64? {
        guard position >= 0, position + size <= bytes.count else { return nil }
        let part = bytes.dropFirst(position).prefix(size)
        return (isBigEndian ? Array(part) : part.reversed()).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
