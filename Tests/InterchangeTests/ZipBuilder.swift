import Foundation

@testable import Interchange

/// Writes zip archives with stored entries, and with defects.
struct ZipBuilder {
    private struct Entry {
        var name: String
        var start: Int
        var size: Int
        var checksum: UInt32
    }

    private(set) var bytes: [UInt8] = []
    private var entries: [Entry] = []
    /// Changes the directory before it is written: (name, size, start) of each entry.
    var change: (inout (name: String, size: Int, start: Int)) -> Void = { _ in }
    /// Whether sizes are in 64-bit fields.
    var isLarge = false
    var method = 0
    var flags = 0

    /// An archive of a checkpoint.
    static func checkpoint(_ pickle: [UInt8], storages: [String: [UInt8]] = [:]) -> [UInt8] {
        var zip = ZipBuilder()
        zip.add("w/data.pkl", pickle)
        for (key, bytes) in storages.sorted(by: { $0.key < $1.key }) { zip.add("w/data/\(key)", bytes) }
        return zip.finished()
    }

    mutating func add(_ name: String, _ data: [UInt8]) {
        let checksum = data.withUnsafeBytes { CRC32($0).value }
        entries.append(Entry(name: name, start: bytes.count, size: data.count, checksum: checksum))
        bytes += [0x50, 0x4B, 3, 4] + Self.number(20, 2) + Self.number(flags, 2) + Self.number(method, 2) + Self.number(0, 4)
        bytes += Self.number(Int(checksum), 4) + Self.number(data.count, 4) + Self.number(data.count, 4)
        bytes += Self.number(name.utf8.count, 2) + Self.number(0, 2) + Array(name.utf8) + data
    }

    func finished() -> [UInt8] {
        var directory: [UInt8] = []
        for entry in entries {
            var values = (name: entry.name, size: entry.size, start: entry.start)
            change(&values)
            let large = Self.number(1, 2) + Self.number(24, 2) + [values.size, values.size, values.start].flatMap { Self.number($0, 8) }
            let extra = isLarge ? large : []
            let shown = isLarge ? (size: 0xFFFF_FFFF, start: 0xFFFF_FFFF) : (size: values.size, start: values.start)
            directory += [0x50, 0x4B, 1, 2] + Self.number(20, 2) + Self.number(20, 2) + Self.number(flags, 2) + Self.number(method, 2)
            directory += Self.number(0, 4) + Self.number(Int(entry.checksum), 4) + Self.number(shown.size, 4) + Self.number(shown.size, 4)
            directory += Self.number(values.name.utf8.count, 2) + Self.number(extra.count, 2) + Self.number(0, 10)
            directory += Self.number(shown.start, 4) + Array(values.name.utf8) + extra
        }
        var end: [UInt8] = []
        if isLarge {
            end += [0x50, 0x4B, 6, 6] + Self.number(44, 8) + Self.number(45, 2) + Self.number(45, 2) + Self.number(0, 8)
            end += [entries.count, entries.count, directory.count, bytes.count].flatMap { Self.number($0, 8) }
            end += [0x50, 0x4B, 6, 7] + Self.number(0, 4) + Self.number(bytes.count + directory.count, 8) + Self.number(1, 4)
        }
        let shown = isLarge ? (0xFFFF, 0xFFFF_FFFF, 0xFFFF_FFFF) : (entries.count, directory.count, bytes.count)
        end += [0x50, 0x4B, 5, 6] + Self.number(0, 4) + Self.number(shown.0, 2) + Self.number(shown.0, 2)
        end += Self.number(shown.1, 4) + Self.number(shown.2, 4) + Self.number(0, 2)
        return bytes + directory + end
    }

    /// A little-endian number; zeros after the eighth byte.
    static func number(_ value: Int, _ size: Int) -> [UInt8] {
        (0..<size).map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> (8 * $0)) : 0 }
    }
}
