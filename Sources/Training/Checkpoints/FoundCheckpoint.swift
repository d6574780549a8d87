import Communication
import Configuration
import Foundation
import Inference
import Interchange

/// The checkpoint from which a run continues. It is validated and compared with the run, but its tensors are not loaded.
struct FoundCheckpoint {
    let state: TrainingState
    /// On rank 0 only.
    let checkpoint: Checkpoint?

    /// Finds a checkpoint on rank 0 and sends its state to all ranks; nil if the folder holds no checkpoint, and none was named.
    /// Collective.
    ///
    /// - Parameters:
    ///   - store: the checkpoints of the run; used on rank 0.
    ///   - run: the run that is to continue.
    ///   - communicator: of this rank.
    ///   - note: receives sentences for a person: damaged checkpoints, changed keys and changed images.
    /// - Throws: `UnusableCheckpoints` if there are checkpoints, and none can be used. `ResumeError` and `ContinuationError` if the
    ///   checkpoint belongs to a different run.
    init?(in store: CheckpointStore, of run: ContinuedRun, _ communicator: Communicator, note: (String) -> Void) throws {
        let own: (checkpoint: Checkpoint, state: Data)?? = try communicator.onRankZero(label: "checkpoint") {
            try run.checkpoint(in: store, note: note).map { checkpoint in
                let saved = try checkpoint.decodeState(TrainingState.self)
                return (checkpoint, try JSON.encode(try run.state(continuing: saved, checkpoint, of: store, note: note), .compact))
            }
        }
        checkpoint = own??.checkpoint
        let encoded = try communicator.broadcast(own??.state ?? Data(), root: 0, label: "position of the checkpoint")
        guard !encoded.isEmpty else { return nil }
        state = try JSON.decode(TrainingState.self, from: encoded, source: "the state of rank 0's checkpoint")
    }
}

/// A run that is to continue from a checkpoint.
struct ContinuedRun {
    /// The path of the run folder.
    var folder: String
    var identity: RunIdentity
    var configuration: TrainingConfiguration
    /// Which checkpoint to continue from.
    var point = ResumePoint.newest
    /// Whether the training images can differ from those of the run so far.
    var acceptsDataChanges = false

    fileprivate func checkpoint(in store: CheckpointStore, note: (String) -> Void) throws -> Checkpoint? {
        switch point {
        case .newest: return try newestCheckpoint(in: store, note: note)
        case .step(let step): return try store.checkpoint(step: step)
        case .best:
            guard let best = try store.best(report: note) else { throw NoBestCheckpoint(folder: folder) }
            return best
        }
    }

    private func newestCheckpoint(in store: CheckpointStore, note: (String) -> Void) throws -> Checkpoint? {
        do {
            return try store.newestValid(report: note)
        } catch let error as CheckpointError {
            guard case .noneValid = error else { throw error }
            throw UnusableCheckpoints(folder: folder, reason: "\(error)")
        }
    }

    /// Compares a saved state with this run, and returns the state that the run continues with.
    fileprivate func state(
        continuing saved: TrainingState, _ checkpoint: Checkpoint, of store: CheckpointStore, note: (String) -> Void
    ) throws -> TrainingState {
        let differences = identity.differences(from: saved.identity)
        guard differences.settings.isEmpty else {
            throw ResumeError(folder: checkpoint.folder, differences: differences.settings + differences.training)
        }
        if !differences.training.isEmpty {
            guard acceptsDataChanges else { throw DataChangeError(folder: folder, differences: differences.training) }
            note(
                "the training images changed (\(differences.training.joined(separator: "; "))). The rest of this epoch follows a new "
                    + "order: it can repeat or miss images. From the next epoch on, each image is used once per epoch again")
        }
        if !differences.validation.isEmpty {
            note(
                "the validation images changed (\(differences.validation.joined(separator: "; "))). Training does not depend on them. "
                    + "Scores before and after this step do not compare")
        }
        var state = saved
        state.identity = identity
        if !differences.training.isEmpty && state.position.step > 0 { state.ledger.isComplete = false }
        // The score of the best checkpoint means nothing without that checkpoint, which goes aside with the later ones.
        if point != .newest, let best = try store.bestStep(), best > checkpoint.step { state.bestScore = nil }
        try state.replaceConfiguration(configuration, folder: folder, note: note)
        return state
    }
}

/// No checkpoint is marked as the best, or the best one is damaged.
struct NoBestCheckpoint: Error, CustomStringConvertible {
    var folder: String

    var description: String {
        "\(folder) has no usable best checkpoint: continue from the newest one with --resume, or name a step with --resume-from STEP"
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

/// The training images are not those of the run in the folder.
struct DataChangeError: Error, CustomStringConvertible {
    var folder: String
    var differences: [String]

    var description: String {
        "\(folder) was trained with other images: \(differences.joined(separator: "; ")). If images were removed, added or renamed on "
            + "purpose, add --accept-data-changes: the run continues, and the rest of the current epoch follows a new order, so it can "
            + "repeat or miss images. Otherwise restore the images"
    }
}

/// A run folder holds checkpoints, and none of them can be used.
struct UnusableCheckpoints: Error, CustomStringConvertible {
    var folder: String
    var reason: String

    var description: String {
        "\(reason)\nNothing was changed in \(folder). Restore a checkpoint, start over with --restart (it keeps the files of this run in a "
            + "subfolder), or choose a new folder with --run-folder"
    }
}
