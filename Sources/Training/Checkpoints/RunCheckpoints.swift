import DynamicResolution
import Inference
import Interchange
import NeuralNetwork

/// Saves and restores the state of a run: networks, their averages, the optimiser's state and the position. Only rank 0 reads and writes
/// files.
final class RunCheckpoints {
    let store: CheckpointStore
    private let model: DRNet
    private let optimizer: Optimizer
    private let averages: WeightAverages?

    /// - Parameters:
    ///   - store: the run's only one, since it remembers which checkpoints are intact.
    ///   - averages: of the model's weights; nil if the run has none.
    init(_ store: CheckpointStore, model: DRNet, optimizer: Optimizer, averages: WeightAverages?) {
        self.store = store
        self.model = model
        self.optimizer = optimizer
        self.averages = averages
    }

    /// Writes a checkpoint. On rank 0 only.
    ///
    /// - Parameters:
    ///   - state: of the run.
    ///   - progress: called after each file, because a large file on a slow disk takes long.
    func save(_ state: TrainingState, progress: @escaping () -> Void = {}) throws {
        var files: [String: (String) throws -> Void] = [
            CheckpointFiles.classifier: { [model] in try Self.write(model.classifier, to: $0) },
            CheckpointFiles.optimizer: { [optimizer] in try SafetensorsFile.write(optimizer.tensors(), to: $0) },
        ]
        if let predictor = model.predictor {
            files[CheckpointFiles.predictor] = { try Self.write(predictor, to: $0) }
        }
        if let average = averages?.model {
            files[CheckpointFiles.averaged(CheckpointFiles.classifier)] = { try Self.write(average.classifier, to: $0) }
            if let predictor = average.predictor {
                files[CheckpointFiles.averaged(CheckpointFiles.predictor)] = { try Self.write(predictor, to: $0) }
            }
        }
        let reporting = files.mapValues { write in
            { (path: String) in
                try write(path)
                progress()
            }
        }
        _ = try store.save(step: state.position.runStep, state: try JSON.encode(state, .indented), files: reporting, isBest: false)
    }

    /// Replaces the state in the checkpoint of the current step, whose tensors did not change. On rank 0 only.
    func saveEvaluation(_ state: TrainingState, isBest: Bool) throws {
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

    private static func write(_ network: Network, to path: String) throws {
        try SafetensorsFile.write(NetworkFile.tensors(of: network), metadata: ["format": "pt"], to: path)
    }
}
