import DynamicResolution
import Inference
import Interchange
import NeuralNetwork

/// Saves and restores the state of a run: networks, their averages, the optimiser's state and the position. Only rank 0 reads and writes
/// files.
final class RunCheckpoints {
    private let store: CheckpointStore
    /// Nil if training waits for each save.
    private let writer: BackgroundWriter?
    private let model: DRNet
    private let optimizer: Optimizer
    private let averages: WeightAverages?

    /// - Parameters:
    ///   - store: the run's only one, since it remembers which checkpoints are intact.
    ///   - averages: of the model's weights; nil if the run has none.
    ///   - inBackground: whether another thread writes, while training goes on with the originals of what it writes.
    init(_ store: CheckpointStore, model: DRNet, optimizer: Optimizer, averages: WeightAverages?, inBackground: Bool) {
        self.store = store
        writer = inBackground ? BackgroundWriter() : nil
        self.model = model
        self.optimizer = optimizer
        self.averages = averages
    }

    /// Waits until the last save is complete.
    ///
    /// - Throws: its error.
    func finish() throws { try writer?.wait() }

    /// Throws the error of a save that failed in the background.
    func throwFailure() throws { try writer?.throwFailure() }

    /// The checkpoints on disk, with that of the last save.
    func settledStore() throws -> CheckpointStore {
        try finish()
        return store
    }

    /// Writes a checkpoint. In the background, it returns when the state is copied; a second save waits for the first. On rank 0 only.
    ///
    /// - Parameters:
    ///   - state: of the run.
    ///   - progress: called after each file that the caller waits for, because a large file on a slow disk takes long.
    /// - Throws: in the background, the error of the save before.
    func save(_ state: TrainingState, progress: @escaping () -> Void = {}) throws {
        try finish()
        let files = writer == nil ? files().mapValues { Self.reporting($0, progress) } : files()
        let encoded = try JSON.encode(state, .indented)
        let (step, isSound) = (state.position.runStep, state.divergence.doubtfulSince == nil)
        let write = { [store] in _ = try store.save(step: step, state: encoded, files: files, isBest: false, isSound: isSound) }
        if let writer { try writer.start(write) } else { try write() }
    }

    /// What writes each file.
    private func files() -> [String: (String) throws -> Void] {
        var files: [String: (String) throws -> Void] = [
            CheckpointFiles.classifier: file { [model] in NetworkFile.tensors(of: model.classifier) },
            CheckpointFiles.optimizer: file(metadata: [:]) { [optimizer] in optimizer.tensors() },
        ]
        if let predictor = model.predictor {
            files[CheckpointFiles.predictor] = file { NetworkFile.tensors(of: predictor) }
        }
        if let average = averages?.model {
            files[CheckpointFiles.averaged(CheckpointFiles.classifier)] = file { NetworkFile.tensors(of: average.classifier) }
            if let predictor = average.predictor {
                files[CheckpointFiles.averaged(CheckpointFiles.predictor)] = file { NetworkFile.tensors(of: predictor) }
            }
        }
        return files
    }

    private static func reporting(_ write: @escaping (String) throws -> Void, _ progress: @escaping () -> Void) -> (String) throws -> Void {
        {
            try write($0)
            progress()
        }
    }

    /// What writes a file of tensors. In the background it writes a copy, which is made here.
    private func file(metadata: [String: String] = ["format": "pt"], _ tensors: @escaping () -> [NamedTensor]) -> (String) throws -> Void {
        guard writer != nil else { return { try SafetensorsFile.write(tensors(), metadata: metadata, to: $0) } }
        let copy = tensors()
        return { try SafetensorsFile.write(copy, metadata: metadata, to: $0) }
    }

    /// Replaces the state in the checkpoint of the current step, whose tensors did not change. On rank 0 only.
    func saveEvaluation(_ state: TrainingState, isBest: Bool) throws {
        try finish()
        // In this order: after a crash in between, the run evaluates again and marks the same checkpoint again.
        if isBest { try store.markBest(step: state.position.runStep) }
        try store.replaceState(ofStep: state.position.runStep, with: try JSON.encode(state, .indented))
    }

    /// Reads networks and the optimiser's state on rank 0. Does nothing on other ranks; they receive rank 0's values by a broadcast.
    ///
    /// If the checkpoint has no averages, because the run had none until now, the averages begin with the weights.
    func restore(_ found: FoundCheckpoint) throws {
        guard let checkpoint = found.checkpoint else { return }
        try load(checkpoint, into: model) { $0 }
        try optimizer.load(checkpoint.path(CheckpointFiles.optimizer))
        guard let averages else { return }
        if found.state.averageUpdates == nil {
            averages.restart()
        } else {
            try load(checkpoint, into: averages.model, CheckpointFiles.averaged)
        }
    }

    private func load(_ checkpoint: Checkpoint, into model: DRNet, _ name: (String) -> String) throws {
        try NetworkFile.load(checkpoint.path(name(CheckpointFiles.classifier)), into: model.classifier)
        if let predictor = model.predictor {
            try NetworkFile.load(checkpoint.path(name(CheckpointFiles.predictor)), into: predictor)
        }
    }
}
