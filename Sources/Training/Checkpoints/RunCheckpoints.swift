import Inference
import Communication
import DynamicResolution
import Foundation
import Interchange
import NeuralNetwork

/// Saves and restores a whole run: networks, momentum and position. Rank 0 reads and writes; the others get what it read.
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

    /// Reads networks and momentum; on rank 0, whose values the others are to be given. Nothing happens on other ranks.
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

/// The checkpoint that a run continues from: found, checked and compared with the run, but not loaded yet.
struct FoundCheckpoint {
    let state: TrainingState
    /// On rank 0 only.
    fileprivate let checkpoint: Checkpoint?

    /// The newest valid one, on every rank; nil where there is none. Collective.
    ///
    /// - Parameter note: is told which checkpoints are damaged.
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

/// A run is not continued with a configuration or data that do not fit it.
struct ResumeError: Error, CustomStringConvertible {
    var folder: String
    var differences: [String]

    var description: String {
        "\(folder) belongs to a different run: \(differences.joined(separator: "; ")). Resume with the configuration that the run "
            + "began with, or start a new run in another folder"
    }
}

extension SGD {
    private static let prefixes = ["classifier.", "predictor."]

    /// The velocities under the names of their parameters, in torchvision's layouts.
    func tensors() -> [NamedTensor] {
        forEachVelocity { prefix, parameter, velocity in
            NamedTensor(
                name: prefix + parameter.name, shape: parameter.fileShape, values: parameter.inFileLayout(velocity))
        }
    }

    /// Reads what `tensors` gave.
    func load(_ path: String) throws {
        let file = try SafetensorsFile(contentsOf: path)
        _ = try forEachVelocity { prefix, parameter, velocity in
            let name = prefix + parameter.name
            let shape = try file.shape(of: name)
            guard shape == parameter.fileShape else {
                throw NetworkFileError.shape(path: path, name: name, expected: parameter.fileShape, actual: shape)
            }
            parameter.fromFileLayout(try file.floats(of: name), into: velocity)
        }
    }

    private func forEachVelocity<Result>(
        _ body: (String, Parameter, UnsafeMutablePointer<Float>) throws -> Result
    ) rethrows -> [Result] {
        try zip(Self.prefixes, zip(networks, velocities)).flatMap { prefix, pair in
            try pair.0.arena.parameters.map { try body(prefix, $0, pair.1.baseAddress! + $0.offset) }
        }
    }
}
