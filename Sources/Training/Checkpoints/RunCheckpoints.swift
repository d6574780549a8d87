import DynamicResolution
import Inference
import Interchange
import NeuralNetwork

/// Saves and restores the state of a run: networks, momentum and position. Only rank 0 reads and writes files.
final class RunCheckpoints {
    private let store: CheckpointStore
    private let model: DRNet
    private let optimizer: SGD

    init(folder: String, keep: Int, model: DRNet, optimizer: SGD) {
        store = CheckpointStore(folder: folder, keep: keep)
        self.model = model
        self.optimizer = optimizer
    }

    /// Writes a checkpoint. On rank 0 only.
    func save(_ state: TrainingState, isBest: Bool) throws {
        var files: [String: (String) throws -> Void] = [
            CheckpointFiles.classifier: { [model] in try Self.write(model.classifier, to: $0) },
            CheckpointFiles.optimizer: { [optimizer] in try SafetensorsFile.write(optimizer.tensors(), to: $0) },
        ]
        if let predictor = model.predictor {
            files[CheckpointFiles.predictor] = { try Self.write(predictor, to: $0) }
        }
        _ = try store.save(step: state.position.runStep, state: try JSON.encode(state, .indented), files: files, isBest: isBest)
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
