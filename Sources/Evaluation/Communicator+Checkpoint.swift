import Communication
import Foundation
import Interchange

extension Communicator {
    /// Rank 0's checkpoint on every rank, with its files. The other ranks read nothing. Collective.
    ///
    /// - Parameter read: runs on rank 0 only. If it fails, all ranks throw the same error. It must not contain a collective.
    /// - Returns: what `read` returned on rank 0.
    public func checkpointOfRankZero(_ read: () throws -> CheckpointContents) throws -> CheckpointContents {
        let own = try onRankZero(label: "checkpoint", read)
        let header = try valueOfRankZero(label: "checkpoint of rank 0") {
            CheckpointHeader(checkpoint: own?.checkpoint, names: own?.files.keys.sorted() ?? [])
        }
        guard let checkpoint = header.checkpoint else { preconditionFailure("rank 0 read a checkpoint or threw") }
        var files: [String: Data] = [:]
        for name in header.names {
            files[name] = try broadcast(own?.files[name] ?? Data(), root: 0, label: "\(name) of rank 0's checkpoint")
        }
        return CheckpointContents(checkpoint, files: files)
    }
}

/// What rank 0 sends before the files.
private struct CheckpointHeader: Codable {
    var checkpoint: Checkpoint?
    var names: [String]
}
