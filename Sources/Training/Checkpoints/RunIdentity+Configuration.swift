import Configuration
import ImageData
import Inference
import Interchange

extension RunIdentity {
    init(_ configuration: TrainingConfiguration, data: TrainingData) {
        let folder = data.folder
        self.init(
            seed: configuration.seed, resolutions: configuration.resolutions, classes: folder.classes,
            trainingImages: folder.training.count, validationImages: folder.validation.count, imageNames: data.namesChecksum,
            trainingNames: Self.checksum(folder.training, in: folder), validationNames: Self.checksum(folder.validation, in: folder),
            batchSize: configuration.optimizer.batchSize, accumulationSteps: configuration.optimizer.accumulationSteps,
            stages: StagePlan.plans(configuration.stages).map(\.name))
    }

    private static func checksum(_ samples: [ImageDataset.Sample], in folder: ImageDataset) -> String {
        let names = samples.map { "\($0.label) \(String($0.path.dropFirst(folder.path.count)))" }
        let checksum = Array(names.joined(separator: "\n").utf8).withUnsafeBytes { CRC32($0) }
        return checksumPrefix + String(checksum.value, radix: 16)
    }
}
