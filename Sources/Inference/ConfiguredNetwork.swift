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
    /// - Throws: `NetworkFileError`, `InterchangeError` or `ForeignFileError` if a pretrained file does not fit or cannot be read.
    public convenience init(
        _ configuration: TrainingConfiguration, classCount: Int, note: (String) -> Void = { _ in }
    ) throws {
        let classifier = Network(configuration.classifierDefinition(classCount: classCount))
        classifier.arena.initialize(seed: configuration.seed, stream: 0)
        if let path = configuration.classifier.pretrained {
            try classifier.loadPretrained(
                path, CheckpointFiles.classifier, key: "classifier.pretrained", untrained: configuration.untrainedClassifier, note: note)
        }
        let predictor = configuration.predictorDefinition(classCount: classCount).map { Network($0) }
        predictor?.arena.initialize(seed: configuration.seed, stream: 1)
        predictor?.scaleLastLayer(by: Float(configuration.predictor.lastLayerScale))
        if let predictor, let path = configuration.predictor.pretrained {
            try predictor.loadPretrained(
                path, CheckpointFiles.predictor, key: "predictor.pretrained", untrained: configuration.untrainedPredictor, note: note)
        }
        self.init(
            resolutions: configuration.resolutions, classifier: classifier, decider: configuration.decider, predictor: predictor,
            outputs: configuration.decisionOutputs, classCount: classCount, costs: configuration.policy.costTable?.milliseconds,
            evaluationViews: configuration.data.views(resolutionCount: configuration.resolutions.count))
    }
}

extension TrainingConfiguration {
    /// Why no stage trains the classifier; nil if one does.
    fileprivate var untrainedClassifier: String? {
        if stages.warmUp != nil { return nil }
        guard let stage = stages.fineTune else { return "add stages.warmUp or stages.fineTune" }
        return stage.freeze == .classifier ? "stages.fineTune.freeze is classifier; add stages.warmUp, or remove freeze" : nil
    }

    /// Why no stage trains the predictor; nil if one does.
    fileprivate var untrainedPredictor: String? {
        stages.fineTune?.freeze == .predictor
            ? "stages.fineTune.freeze is predictor; name the predictor of a run with the same resolutions" : nil
    }
}

extension Network {
    /// Loads pretrained weights from a file or the folder of a run.
    ///
    /// - Parameters:
    ///   - path: of the file or folder. A prefix of the names in the file can follow after '#'.
    ///   - file: the name of the file in a checkpoint.
    ///   - key: the configuration's key that has the path.
    ///   - untrained: why no stage of the run trains this network; nil if one does.
    ///   - note: receives sentences for a person.
    fileprivate func loadPretrained(_ path: String, _ file: String, key: String, untrained: String?, note: (String) -> Void) throws {
        let (named, part) = PretrainedSource.split(path)
        let source = try PretrainedSource.file(named, file, key: key, note: note)
        let result = try NetworkFile.loadPretrained(source, into: self, key: key, part: part)
        if let untrained, !result.hasLastLayer {
            throw NetworkFileError.untrainedLastLayer(path: source, key: key, reason: untrained)
        }
        result.notes.forEach(note)
    }

    /// Multiplies the weights and biases of the last layer. With the factor 0, all outputs are equally likely.
    fileprivate func scaleLastLayer(by factor: Float) {
        for parameter in arena.parameters where parameter.isOfLastLayer {
            for index in 0..<parameter.count { parameter.values[index] *= factor }
        }
    }
}
