import Foundation

/// The size and the checksum of a file.
public struct FileChecksum: Codable, Equatable, Sendable {
    public var bytes: Int
    /// `CRC32.value`.
    public var crc32: UInt32

    /// Reads a file and computes its size and checksum.
    ///
    /// - Throws: `InterchangeError` if the file cannot be read.
    package static func describe(_ path: String) throws -> FileChecksum { try CheckpointManifest.describe(path) }
}

extension Checkpoint {
    /// The files of the checkpoint, by name, with the checksums in its manifest.
    ///
    /// - Throws: `InterchangeError` if the manifest cannot be read.
    public func checksums() throws -> [String: FileChecksum] {
        try CheckpointManifest.read(path(CheckpointManifest.fileName)).files
    }

    /// Opens the checkpoint of a step, and compares its files with their checksums.
    ///
    /// - Parameters:
    ///   - step: the number of training steps before the checkpoint.
    ///   - folder: of the checkpoints.
    /// - Returns: nil if the folder has no such checkpoint.
    /// - Throws: `InterchangeError` if the checkpoint is damaged or cannot be read.
    public static func open(step: Int, in folder: String) throws -> Checkpoint? {
        let path = CheckpointFolder(path: folder).checkpointPath(step)
        guard try DurableFile.kind(of: path) != nil else { return nil }
        try requireUndamaged(folder: path)
        let manifest = try CheckpointManifest.read("\(path)/\(CheckpointManifest.fileName)")
        return Checkpoint(step: manifest.step, folder: path, state: Data(manifest.state.utf8))
    }
}
