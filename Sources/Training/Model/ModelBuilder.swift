import DynamicResolution
import NeuralNetwork

extension DRNet {
    /// The network of a configuration, initialised as torchvision does, with what is pretrained loaded.
    ///
    /// - Parameter note: is told, in sentences, what a person should know about the pretrained files.
    public convenience init(
        _ configuration: TrainingConfiguration, classCount: Int, note: (String) -> Void = { _ in }
    ) throws {
        let options = configuration.classifier
        let batchNorm = BatchNormOptions(
            momentum: configuration.batchNorm.momentum, epsilon: configuration.batchNorm.epsilon)
        let classifier = options.architecture.makeNetwork(
            width: options.width, outputs: classCount, resolutionCount: configuration.resolutions.count,
            batchNorm: batchNorm, zeroInitResidual: options.zeroInitResidual)
        classifier.arena.initialize(seed: configuration.seed, stream: 0)
        if let path = options.pretrained {
            try NetworkFile.loadPretrained(path, into: classifier).forEach(note)
        }
        var predictor: Network?
        if configuration.stages.fineTune != nil {
            let network = ResNet(
                ResNet.Architecture(predictorWidths: configuration.predictor.widths),
                outputs: configuration.resolutions.count, resolutionCount: nil, batchNorm: batchNorm)
            network.arena.initialize(seed: configuration.seed, stream: 1)
            if let path = configuration.predictor.pretrained {
                try NetworkFile.loadPretrained(path, into: network).forEach(note)
            }
            predictor = network
        }
        self.init(
            resolutions: configuration.resolutions, classifier: classifier, predictor: predictor,
            predictorInputSize: configuration.predictor.inputSize, classCount: classCount)
    }

    /// The regulariser of a configuration.
    ///
    /// - Throws: `ConfigurationValueError` where the target can not be reached at all.
    public func regularizer(_ policy: TrainingConfiguration.PolicyOptions) throws -> FLOPsRegularizer {
        let predictorCost = policy.countPredictor ? flops.predictor : 0
        let costs = flops.classifier.map { $0 + predictorCost }
        let target: Double
        switch policy.flopsTarget {
        case .share(let share): target = share * flops.largest
        case .multiplyAdds(let count): target = count
        }
        guard target >= costs.min() ?? 0 else {
            throw ModelError.unreachableTarget(target: target, smallest: costs.min() ?? 0, largest: costs.max() ?? 0)
        }
        // F̄ counts the classifier; with the predictor counted too, every image costs that much more.
        return FLOPsRegularizer(
            weight: policy.flopsWeight, target: target - predictorCost, costs: flops.classifier)
    }
}

/// Why a model does not fit its configuration.
public enum ModelError: Error, CustomStringConvertible {
    case unreachableTarget(target: Double, smallest: Double, largest: Double)

    public var description: String {
        switch self {
        case .unreachableTarget(let target, let smallest, let largest):
            return "policy.flopsTarget is \(Evaluation.gigaFLOPs(target / 1e9)) G multiply-adds, but even the smallest resolution "
                + "costs \(Evaluation.gigaFLOPs(smallest / 1e9)) G: choose a target up to "
                + "\(Evaluation.gigaFLOPs(largest / 1e9)) G, or smaller resolutions"
        }
    }
}
