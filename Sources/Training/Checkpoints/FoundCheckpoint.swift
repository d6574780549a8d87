import Communication
import Foundation
import Inference
import Interchange

/// The checkpoint from which a run continues. It is validated and compared with the run, but its tensors are not loaded.
struct FoundCheckpoint {
    let state: TrainingState
    /// On rank 0 only.
    let checkpoint: Checkpoint?

    /// Finds the newest valid checkpoint on rank 0 and sends its state to all ranks; nil if there is none. Collective.
    ///
    /// - Parameter note: receives a message for each damaged checkpoint.
    /// - Throws: `ResumeError` if the checkpoint belongs to a different run.
    init?(in folder: String, identity: RunIdentity, _ communicator: Communicator, note: (String) -> Void) throws {
        checkpoint = communicator.rank == 0 ? try CheckpointStore(folder: folder, keep: 1).newestValid(report: note) : nil
        if let checkpoint {
            let saved = try checkpoint.decodeState(TrainingState.self)
            let differences = identity.differences(from: saved.identity)
            guard differences.isEmpty else { throw ResumeError(folder: checkpoint.folder, differences: differences) }
        }
        let encoded = try communicator.broadcast(checkpoint?.state ?? Data(), root: 0, label: "position of the checkpoint")
        guard !encoded.isEmpty else { return nil }
        state = try JSON.decode(TrainingState.self, from: encoded, source: "the state of rank 0's checkpoint")
    }
}

/// The configuration or the data do not belong to the run in the folder.
struct ResumeError: Error, CustomStringConvertible {
    var folder: String
    var differences: [String]

    var description: String {
        "\(folder) belongs to a different run: \(differences.joined(separator: "; ")). Resume with the run's original "
            + "configuration, or start a new run in another folder"
    }
}
