import Configuration
import DynamicResolution
import NeuralNetwork

extension DRNet {
    /// Makes the network of a configuration: initialised as torchvision does, then with the pretrained files loaded.
    ///
    /// - Parameters:
    ///   - configuration: the architecture, the seed and the pretrained files.
    ///   - classCount: outputs of the classifier.
    ///   - note: receives sentences about the pretrained files, for a person.
    /// - Throws: `NetworkFileError` or `InterchangeError` if a pretrained file does not fit or cannot be read.
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
    /// Multiplies the weights and biases of the last layer. With the factor 0, all outputs are equally likely.
    fileprivate func scaleLastLayer(by factor: Float) {
        for parameter in arena.parameters where parameter.isOfLastLayer {
            for index in 0..<parameter.count { parameter.values[index] *= factor }
        }
    }
}
