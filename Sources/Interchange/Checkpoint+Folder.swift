import Foundation

extension Checkpoint {
    /// Reads the manifest of one checkpoint. Does not check its files.
    ///
    /// - Parameter folder: of the checkpoint, such as `runs/x/checkpoints/step-000001234`.
    /// - Throws: `InterchangeError` if the manifest is missing or cannot be read.
    package init(folder: String) throws {
        let manifest = try CheckpointManifest.read("\(folder)/\(CheckpointManifest.fileName)")
        self.init(step: manifest.step, folder: folder, state: Data(manifest.state.utf8))
    }

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
