extension Checkpoint {
    /// Compares the files of a checkpoint's folder with the checksums in its manifest.
    ///
    /// - Parameter folder: of one checkpoint, such as `runs/x/checkpoints/step-000001234`.
    /// - Throws: `InterchangeError` if a file is damaged or missing, or if the manifest cannot be read.
    package static func requireUndamaged(folder: String) throws {
        let path = "\(folder)/\(CheckpointManifest.fileName)"
        if let problem = try CheckpointManifest.read(path).problem(in: folder) {
            throw InterchangeError.malformed(path: folder, reason: problem)
        }
    }
}
