import Configuration
import ImageData
import Inference

extension RunIdentity {
    init(_ configuration: TrainingConfiguration, data: TrainingData) {
        self.init(
            seed: configuration.seed, resolutions: configuration.resolutions, classes: data.folder.classes,
            trainingImages: data.folder.training.count, imageNames: data.namesChecksum, batchSize: configuration.optimizer.batchSize,
            accumulationSteps: configuration.optimizer.accumulationSteps,
            stages: StagePlan.plans(configuration.stages).map(\.name))
    }
}
