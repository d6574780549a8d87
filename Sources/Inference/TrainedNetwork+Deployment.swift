import Configuration
import Interchange
import Kernels

extension TrainedNetwork {
    /// Loads the network that a deployment describes.
    ///
    /// - Parameters:
    ///   - file: the path of `deployment.json`.
    ///   - runFolder: the run folder; nil for the one that the file names.
    /// - Throws: an error that describes the problem: the file is damaged, is no deployment, or belongs to other weights.
    public convenience init(deployment file: String, runFolder: String? = nil) throws {
        let deployment = try Deployment.read(file)
        let folder = runFolder.map { RunFolder(path: $0) } ?? deployment.runFolder(from: file)
        let configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        let context = try KernelContext(configuration.kernels, of: folder)
        let contents = try deployment.readCheckpoint(in: folder, configuration, file: file)
        try self.init(folder, configuration, contents, deployment: deployment, context: context)
    }

    /// Loads a checkpoint that `Deployment.readCheckpoint` read, in this process or another.
    ///
    /// - Parameters:
    ///   - folder: the run folder.
    ///   - configuration: of the run.
    ///   - contents: the weights of the deployment.
    ///   - deployment: how to use them.
    ///   - context: what the network computes with.
    public convenience init(
        _ folder: RunFolder, _ configuration: TrainingConfiguration, _ contents: CheckpointContents, deployment: Deployment,
        context: KernelContext
    ) throws {
        try self.init(
            folder, configuration, contents, context: context, costWeight: deployment.costWeight ?? 0,
            description: "\(folder.path), step \(contents.checkpoint.step), \(deployment.description)", deployed: deployment.deploying)
    }
}
