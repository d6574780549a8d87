import DynamicResolution
import Inference
import Interchange
import NeuralNetwork

/// Saves and restores the state of a run: networks, momentum and position. Only rank 0 reads and writes files.
final class RunCheckpoints {
    let store: CheckpointStore
    private let model: DRNet
    private let optimizer: SGD

    /// - Parameter store: the run's only one, since it remembers which checkpoints are intact.
    init(_ store: CheckpointStore, model: DRNet, optimizer: SGD) {
        self.store = store
        self.model = model
        self.optimizer = optimizer
    }

    /// Writes a checkpoint. On rank 0 only.
    func save(_ state: TrainingState) throws {
        var files: [String: (String) throws -> Void] = [
            CheckpointFiles.classifier: { [model] in try Self.write(model.classifier, to: $0) },
            CheckpointFiles.optimizer: { [optimizer] in try SafetensorsFile.write(optimizer.tensors(), to: $0) },
        ]
        if let predictor = model.predictor {
            files[CheckpointFiles.predictor] = { try Self.write(predictor, to: $0) }
        }
        _ = try store.save(step: state.position.runStep, state: try JSON.encode(state, .indented), files: files, isBest: false)
    }

    /// Replaces the state in the checkpoint of the current step, whose tensors did not change. On rank 0 only.
    func saveEvaluation(_ state: TrainingState, isBest: Bool) throws {
        // In this order: after a crash in between, the run evaluates again and marks the same checkpoint again.
        if isBest { try store.markBest(step: state.position.runStep) }
        try store.replaceState(ofStep: state.position.runStep, with: try JSON.encode(state, .indented))
    }

    /// Reads networks and momentum on rank 0. Does nothing on other ranks; they receive rank 0's values by a broadcast.
    func restore(_ found: FoundCheckpoint) throws {
        guard let checkpoint = found.checkpoint else { return }
        try NetworkFile.load(checkpoint.path(CheckpointFiles.classifier), into: model.classifier)
        if let predictor = model.predictor {
            try NetworkFile.load(checkpoint.path(CheckpointFiles.predictor), into: predictor)
        }
        try optimizer.load(checkpoint.path(CheckpointFiles.optimizer))
    }

    private static func write(_ network: Network, to path: String) throws {
        try SafetensorsFile.write(NetworkFile.tensors(of: network), metadata: ["format": "pt"], to: path)
    }
}
