import Configuration
import DynamicResolution
import NeuralNetwork

extension DRNet {
    /// The network of a configuration, initialised as torchvision does, with what is pretrained loaded.
    ///
    /// - Parameter note: is told, in sentences, what a person should know about the pretrained files.
    public convenience init(
        _ configuration: TrainingConfiguration, classCount: Int, note: (String) -> Void = { _ in }
    ) throws {
        let classifier = Network(configuration.classifierDefinition(classCount: classCount))
        classifier.arena.initialize(seed: configuration.seed, stream: 0)
        if let path = configuration.classifier.pretrained {
            try NetworkFile.loadPretrained(path, into: classifier).forEach(note)
        }
        let predictor = configuration.predictorDefinition.map { Network($0) }
        predictor?.arena.initialize(seed: configuration.seed, stream: 1)
        predictor?.scaleLastLayer(by: Float(configuration.predictor.lastLayerScale))
        if let predictor, let path = configuration.predictor.pretrained {
            try NetworkFile.loadPretrained(path, into: predictor).forEach(note)
        }
        self.init(
            resolutions: configuration.resolutions, classifier: classifier, predictor: predictor,
            predictorInputSize: configuration.predictor.inputSize, classCount: classCount)
    }
}

extension Network {
    /// Multiplies the weights and biases of the last layer: with 0, every class, or resolution, is equally likely.
    fileprivate func scaleLastLayer(by factor: Float) {
        for parameter in arena.parameters where parameter.isOfLastLayer {
            for index in 0..<parameter.count { parameter.values[index] *= factor }
        }
    }
}
