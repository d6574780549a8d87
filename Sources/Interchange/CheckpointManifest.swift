import Foundation

/// The contents of `manifest.json`: the size and checksum of each file of a checkpoint, and the caller's state.
struct CheckpointManifest: Codable {
    typealias File = FileChecksum

    static let fileName = "manifest.json"
    /// The version that this build writes, and the latest one that it reads.
    static let currentVersion = 1

    /// The version of the format. It increases whenever an older build could misread the checkpoint.
    var version = Self.currentVersion
    var step: Int
    var files: [String: File]
    /// The caller's state, as JSON text.
    var state: String
    /// CRC-32 of `state`. No other checksum covers the manifest.
    var stateCRC32: UInt32

    init(step: Int, files: [String: File], state: Data) {
        self.step = step
        self.files = files
        self.state = String(decoding: state, as: UTF8.self)
        stateCRC32 = Self.checksum(Data(self.state.utf8))
    }

    /// Reads a manifest.
    ///
    /// - Throws: `InterchangeError.version` if a later build wrote the manifest; other errors if it is damaged.
    static func read(_ path: String) throws -> CheckpointManifest { try decode(try DurableFile.read(path), path: path) }

    /// Decodes a manifest.
    ///
    /// - Parameters:
    ///   - data: the bytes of the file.
    ///   - path: of the file, for errors.
    static func decode(_ data: Data, path: String) throws -> CheckpointManifest {
        /// The only key that every version has.
        struct Version: Decodable {
            var version: Int
        }
        let version = try JSON.decode(Version.self, from: data, source: path).version
        guard version <= currentVersion else {
            throw InterchangeError.version(path: path, found: version, supported: currentVersion)
        }
        return try JSON.decode(CheckpointManifest.self, from: data, source: path)
    }

    /// Compares a checkpoint's folder with the manifest. Returns a description of the first damage, or nil if everything matches.
    ///
    /// - Throws: `InterchangeError` if a file cannot be read though it can be intact.
    func problem(in folder: String) throws -> String? {
        guard stateIsIntact else { return "the state in \(Self.fileName) is damaged" }
        for (name, expected) in files.sorted(by: { $0.key < $1.key }) {
            let path = "\(folder)/\(name)"
            let found: File
            do {
                guard try DurableFile.kind(of: path) != nil else { return "\(name) is missing" }
                found = try Self.describe(path)
            } catch let error as InterchangeError where !error.isUnreadable {
                return "\(error)"
            }
            if let difference = Self.difference(found, expected) { return "\(name) \(difference)" }
        }
        return nil
    }

    /// Whether the state matches its checksum.
    var stateIsIntact: Bool { stateCRC32 == Self.checksum(Data(state.utf8)) }

    /// How a file differs from the manifest, as the end of a sentence; nil if it does not.
    static func difference(_ found: File, _ expected: File) -> String? {
        guard found.bytes == expected.bytes else { return "has \(found.bytes) bytes instead of \(expected.bytes)" }
        return found.crc32 == expected.crc32 ? nil : "is damaged (its checksum differs)"
    }

    /// Returns the size and checksum of a file.
    ///
    /// - Throws: if the file cannot be read.
    static func describe(_ path: String) throws -> File {
        var (bytes, checksum) = (0, CRC32())
        try DurableFile.readParts(of: path) {
            bytes += $0.count
            checksum.add($0)
            return true
        }
        return File(bytes: bytes, crc32: checksum.value)
    }

    private static func checksum(_ data: Data) -> UInt32 {
        data.withUnsafeBytes { CRC32($0).value }
    }
}
