import Configuration
import DynamicResolution
import Inference
import Interchange
import Kernels

/// A trained network as a deployment uses it, with everything that the exporters write.
public struct ExportedNetwork {
    let model: FrozenDRNet
    /// λ of the decisions.
    let costWeight: Double
    public let metadata: ExportMetadata
    /// In words: which weights these are.
    public let description: String
}

extension ExportedNetwork {
    /// Loads the network that a deployment describes.
    ///
    /// - Parameters:
    ///   - file: the path of `deployment.json`.
    ///   - runFolder: the run folder; nil for the one that the file names.
    ///   - version: of the program, for the provenance.
    /// - Throws: an error that describes the problem: the file is missing or damaged, is no deployment, or belongs to other weights.
    public init(deployment file: String, runFolder: String?, version: String) throws {
        let deployment = try Deployment.read(file)
        let folder = runFolder.map { RunFolder(path: $0) } ?? deployment.runFolder(from: file)
        let configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        let contents = try deployment.readCheckpoint(in: folder, configuration, file: file)
        let network = try TrainedNetwork(
            folder, configuration, contents, deployment: deployment, context: KernelContext(threadCount: 1))
        self.init(network, deployment, configuration, run: folder, version: version)
    }

    init(
        _ network: TrainedNetwork, _ deployment: Deployment, _ configuration: TrainingConfiguration, run: RunFolder, version: String
    ) {
        self.init(
            model: network.model, costWeight: network.costWeight,
            metadata: ExportMetadata(network, deployment, configuration, run: run, version: version), description: network.description)
    }

    /// The cost of each resolution, times λ. The network subtracts it from the scores.
    var penalties: [Float] { model.costs.relativeChoices.map { Float(costWeight * $0) } }

    /// The indices of the resolutions at which the classifier can run *after* the decision, largest first. The smallest resolution of a
    /// cascade is not among them: its answer exists then.
    var candidates: [Int] {
        switch model.decider {
        case nil: return [model.fixedIndex]
        case .network: return Array(model.resolutions.indices)
        case .cascade(.threshold): return [0]
        case .cascade(.learned): return Array(model.resolutions.indices.dropLast())
        }
    }

    /// The normalisation of values of 0 … 255: value · factor + shift, for red, green and blue.
    var normalization: (factors: [Float], shifts: [Float]) {
        let preprocessing = metadata.preprocessing
        return (
            preprocessing.standardDeviation.map { 1 / (255 * $0) },
            zip(preprocessing.mean, preprocessing.standardDeviation).map { -$0 / $1 }
        )
    }
}
