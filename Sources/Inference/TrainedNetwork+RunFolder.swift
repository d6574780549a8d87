import Configuration
import Kernels

extension TrainedNetwork {
    /// Loads the network of a run folder, with the settings of the run's configuration and a context of its own on all cores.
    /// See `KernelContext.init(_:of:)` for the choice of the matrix products.
    ///
    /// ```swift
    /// let network = try TrainedNetwork(runFolder: "runs/quickstart")
    /// let prediction = try network.predict("photo.jpg")
    /// print(prediction.className, prediction.probability, prediction.resolution)
    /// ```
    ///
    /// - Parameters:
    ///   - path: the folder that `drnet train` wrote.
    ///   - choice: which checkpoint to load.
    ///   - report: receives a sentence about each damaged checkpoint that is skipped.
    /// - Throws: an error that describes the problem, if the configuration or a checkpoint is missing or cannot be read.
    public convenience init(
        runFolder path: String, checkpoint choice: CheckpointChoice = .last, report: (String) -> Void = { _ in }
    ) throws {
        let folder = RunFolder(path: path)
        let configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        let context = try KernelContext(configuration.kernels, of: folder)
        try self.init(folder, configuration, checkpoint: choice, context: context, report: report)
    }
}
