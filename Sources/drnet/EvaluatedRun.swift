import Communication
import Configuration
import Console
import Evaluation
import Inference
import Training

/// The evaluation of a run's checkpoint, which several commands begin with.
enum EvaluatedRun {
    /// The configuration of a run.
    ///
    /// - Parameter data: replaces the folder of the images.
    static func configuration(_ folder: RunFolder, data: String?) throws -> TrainingConfiguration {
        var configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        if let data {
            configuration.data.folder = data
            configuration.data.fold = nil
        }
        return configuration
    }

    /// Evaluates the validation images of the configuration. Collective.
    ///
    /// - Parameter progress: receives, for each batch of this rank, the number of its images and that of all validation images.
    static func evaluate(
        _ trained: TrainedNetwork, _ configuration: TrainingConfiguration, _ ranks: Ranks, modes: Evaluator.Modes,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> (outcome: Evaluator.Outcome, images: TrainingData) {
        let images = try TrainingData(
            validationImagesOf: configuration, classes: trained.classes, communicator: ranks.communicator, context: ranks.context)
        try ranks.communicator.agree(label: "classes") { try trained.requireClasses(of: images.folder) }
        if ranks.isRoot { images.folder.notes.forEach(Console.warning) }
        let evaluator = Evaluator(
            model: trained.model, communicator: ranks.communicator, batchSize: configuration.evaluation.batchSize, modes: modes,
            costWeight: trained.costWeight, context: ranks.context)
        let batches = images.validationBatches()
        ranks.communicator.context = "the evaluation of \(trained.description)"
        let outcome = try ranks.communicator.during(.evaluating) {
            try evaluator.run {
                // Keeps the ranks together. Otherwise a slow rank could be behind by more than the timeout at the final collective.
                try ranks.communicator.barrier(label: "next batch of the evaluation")
                let batch = try batches.next()
                if let batch { progress(batch.sampleIndices.count, images.folder.validation.count) }
                return batch
            }
        }
        return (outcome, images)
    }
}
