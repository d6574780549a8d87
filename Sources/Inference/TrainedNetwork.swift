import Configuration
import DynamicResolution
import Foundation
import ImageData
import Interchange
import Kernels
import NeuralNetwork

/// Which checkpoint of a run.
public enum CheckpointChoice: String, CaseIterable, Sendable {
    case last, best
}

/// The network of a run, with the weights of a checkpoint.
public final class TrainedNetwork {
    public let model: FrozenDRNet
    /// λ of the trained operating point, in units of the decider's scores for the cost of the largest resolution.
    public let costWeight: Double
    /// The classes, in the order of the logits.
    public let classes: [String]
    /// Which weights these are, in words.
    public let description: String
    /// The images that the run was trained on, among others.
    package let identity: RunIdentity
    private let runFolder: String
    let transform: EvaluationTransform
    let context: KernelContext

    /// Finds the checkpoint of a run, and reads it into memory. A training can write and remove checkpoints meanwhile.
    ///
    /// - Parameters:
    ///   - choice: the last or the best one.
    ///   - folder: the run folder.
    ///   - report: receives a sentence about each damaged checkpoint that is skipped.
    /// - Returns: the checkpoint with the files of its networks.
    public static func readCheckpoint(
        _ choice: CheckpointChoice, in folder: RunFolder, report: (String) -> Void
    ) throws -> CheckpointContents {
        let store = CheckpointStore(folder: folder.checkpoints, keep: 1)
        let isKept = CheckpointFiles.isOfNetwork
        let contents =
            try choice == .best ? store.readBest(keeping: isKept, report: report) : store.readNewest(keeping: isKept, report: report)
        guard let contents else { throw MissingCheckpoint(folder: folder.checkpoints, choice: choice) }
        return contents
    }

    /// Finds a checkpoint and loads it.
    ///
    /// - Parameters:
    ///   - folder: the run folder.
    ///   - configuration: of the run.
    ///   - choice: the last or the best one.
    ///   - context: what the network computes with.
    ///   - report: receives a sentence about each damaged checkpoint that is skipped.
    public convenience init(
        _ folder: RunFolder, _ configuration: TrainingConfiguration, checkpoint choice: CheckpointChoice,
        context: KernelContext, report: (String) -> Void
    ) throws {
        let contents = try Self.readCheckpoint(choice, in: folder, report: report)
        try self.init(folder, configuration, contents, choice: choice, context: context)
    }

    /// Loads a checkpoint that `readCheckpoint` read, in this process or another.
    ///
    /// - Parameters:
    ///   - folder: the run folder.
    ///   - configuration: of the run.
    ///   - contents: the checkpoint to load.
    ///   - choice: how it was found, for `description`.
    ///   - context: what the network computes with.
    public convenience init(
        _ folder: RunFolder, _ configuration: TrainingConfiguration, _ contents: CheckpointContents, choice: CheckpointChoice,
        context: KernelContext
    ) throws {
        try self.init(
            folder, configuration, contents, context: context,
            description: "\(folder.path), \(choice.rawValue) checkpoint (step \(contents.checkpoint.step))")
    }

    /// - Parameters:
    ///   - costWeight: λ; nil for that of the trained operating point.
    ///   - description: which weights these are, in words.
    ///   - deployed: replaces the decider.
    init(
        _ folder: RunFolder, _ configuration: TrainingConfiguration, _ contents: CheckpointContents, context: KernelContext,
        costWeight: Double? = nil, description: String, deployed: (FrozenDRNet) -> FrozenDRNet = { $0 }
    ) throws {
        self.context = context
        let checkpoint = contents.checkpoint
        let state = try checkpoint.decodeState(TrainedState.self)
        identity = state.identity
        classes = state.identity.classes
        self.costWeight = costWeight ?? state.costWeight ?? 0
        // Pretrained files were the beginning of the run; they need not be there any more.
        let model = try DRNet(configuration.withoutPretrained, classCount: classes.count)
        func load(_ file: String, into network: Network) throws {
            let name = CheckpointFiles.inferred(file, among: Array(contents.files.keys))
            let path = checkpoint.path(name)
            guard let data = contents.files[name] else { throw InterchangeError.malformed(path: path, reason: "the checkpoint lacks it") }
            try NetworkFile.load(try SafetensorsFile(data, path: path), path: path, into: network, requiringFinite: true)
        }
        try load(CheckpointFiles.classifier, into: model.classifier)
        if let predictor = model.predictor { try load(CheckpointFiles.predictor, into: predictor) }
        self.model = deployed(FrozenDRNet(model))
        runFolder = folder.path
        self.description = description
        transform = EvaluationTransform(
            size: configuration.resolutions[0], resizeRatio: configuration.data.widestResizeRatio,
            normalization: Normalization(
                mean: configuration.data.mean, standardDeviation: configuration.data.standardDeviation))
    }

    /// Refuses images of other classes than those of the run.
    public func requireClasses(of folder: ImageDataset) throws {
        guard folder.classes == classes else {
            throw ClassMismatch(path: folder.path, found: folder.classes, expected: classes)
        }
    }

    /// Refuses a run that only trained a classifier.
    public func requirePredictor() throws {
        if !model.hasDecider { throw MissingPredictor(run: runFolder) }
    }
}

struct MissingCheckpoint: Error, CustomStringConvertible {
    var folder: String
    var choice: CheckpointChoice

    var description: String {
        "\(folder) holds no \(choice == .best ? "best" : "valid") checkpoint: train first, or name the run folder (not the checkpoint's)"
    }
}

struct MissingPredictor: Error, CustomStringConvertible {
    var run: String

    var description: String {
        "\(run) has nothing that chooses resolutions (predictor.kind none), and a budget and a curve need a choice: train with "
            + "predictor.kind cascade or network"
    }
}

struct ClassMismatch: Error, CustomStringConvertible {
    var path: String
    var found: [String]
    var expected: [String]

    var description: String {
        "\(path) has other classes than the \(expected.count) that the run was trained on (\(Figures.difference(found, from: expected)))"
    }
}
