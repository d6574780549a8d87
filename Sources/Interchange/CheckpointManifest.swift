import CZlib
import Foundation

/// What a checkpoint's folder holds, so that damage is noticed: `manifest.json`.
struct CheckpointManifest: Codable {
    struct File: Codable, Equatable {
        var bytes: Int
        /// CRC-32 as zlib computes it.
        var crc32: UInt32
    }

    static let fileName = "manifest.json"

    var version = 1
    var step: Int
    var files: [String: File]
    /// The caller's state, a JSON text.
    var state: String
    /// CRC-32 of `state`, since the manifest itself has nobody to watch over it.
    var stateCRC32: UInt32

    init(step: Int, files: [String: File], state: Data) {
        self.step = step
        self.files = files
        self.state = String(decoding: state, as: UTF8.self)
        stateCRC32 = Self.checksum(Data(self.state.utf8))
    }

    /// What is wrong with the folder; nil where nothing is.
    func problem(in folder: String) -> String? {
        guard stateCRC32 == Self.checksum(Data(state.utf8)) else { return "the state in \(Self.fileName) is damaged" }
        for (name, expected) in files.sorted(by: { $0.key < $1.key }) {
            guard let found = Self.describe("\(folder)/\(name)") else { return "\(name) is missing" }
            guard found.bytes == expected.bytes else { return "\(name) has \(found.bytes) bytes instead of \(expected.bytes)" }
            guard found.crc32 == expected.crc32 else { return "\(name) is damaged (its checksum differs)" }
        }
        return nil
    }

    static func describe(_ path: String) -> File? {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) else { return nil }
        return File(bytes: data.count, crc32: checksum(data))
    }

    static func checksum(_ data: Data) -> UInt32 {
        data.withUnsafeBytes { bytes in
            var sum = crc32(0, nil, 0)
            for start in stride(from: 0, to: bytes.count, by: 1 << 30) {
                let count = min(1 << 30, bytes.count - start)
                sum = crc32(sum, bytes.bindMemory(to: UInt8.self).baseAddress! + start, UInt32(count))
            }
            return UInt32(truncatingIfNeeded: sum)
        }
    }
}
