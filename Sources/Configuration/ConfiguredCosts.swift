import DynamicResolution
import Interchange
import NeuralNetwork

extension TrainingConfiguration {
    /// The classifier without its memory.
    package func classifierDefinition(classCount: Int) -> NetworkDefinition {
        let options = BackboneOptions(width: classifier.width, zeroInitResidual: classifier.zeroInitResidual)
        return NetworkDefinition(
            architecture: classifier.architecture.architecture(options), outputs: classCount, resolutionCount: resolutions.count,
            batchNormEpsilon: batchNorm.epsilon)
    }

    /// The predictor without its memory; nil where no stage trains one.
    package var predictorDefinition: NetworkDefinition? {
        guard stages.fineTune != nil else { return nil }
        return NetworkDefinition(
            architecture: ResNet.Architecture(predictorWidths: predictor.widths), outputs: resolutions.count, resolutionCount: nil,
            batchNormEpsilon: batchNorm.epsilon)
    }

    /// Whether the classifier has a part that the predictor could start from. Compares names and shapes; builds no network.
    package var hasWarmStart: Bool {
        guard let target = predictorDefinition else { return false }
        let warmStart = PredictorWarmStart(
            from: classifierDefinition(classCount: 1).tensors, to: target.tensors, resolutions: resolutions,
            inputSize: predictor.inputSize)
        return !warmStart.parts.isEmpty
    }
}

extension FLOPsModel {
    /// What the networks of a configuration cost. Builds no network.
    package init(_ configuration: TrainingConfiguration, classCount: Int) {
        self.init(
            classifier: configuration.classifierDefinition(classCount: classCount), resolutions: configuration.resolutions,
            predictor: configuration.predictorDefinition, predictorInputSize: configuration.predictor.inputSize)
    }
}

extension FLOPsRegularizer {
    /// The regulariser of a configuration.
    ///
    /// - Throws: `UnreachableTarget` where the target can not be reached at all.
    package init(_ policy: TrainingConfiguration.PolicyOptions, _ flops: FLOPsModel) throws(UnreachableTarget) {
        let predictorCost = policy.countPredictor ? flops.predictor : 0
        let costs = flops.classifier.map { $0 + predictorCost }
        let target: Double
        switch policy.flopsTarget {
        case .share(let share): target = share * flops.largest
        case .multiplyAdds(let count): target = count
        }
        guard target >= costs.min() ?? 0 else {
            throw UnreachableTarget(target: target, smallest: costs.min() ?? 0, largest: costs.max() ?? 0)
        }
        // F̄ counts the classifier; with the predictor counted too, every image costs that much more.
        self.init(policy.flopsPenalty, weight: policy.flopsWeight, target: target - predictorCost, costs: flops.classifier)
    }
}

/// No choice of resolutions can cost as little as `policy.flopsTarget`.
package struct UnreachableTarget: Error, CustomStringConvertible {
    var target: Double
    var smallest: Double
    var largest: Double

    package var description: String { "policy.flopsTarget \(problem)" }

    /// What is wrong with the key.
    var problem: String {
        func giga(_ count: Double) -> String { Figures.threeDigits(count / 1e9) }
        return "is \(giga(target)) G multiply-adds, but even the smallest resolution costs \(giga(smallest)) G: choose a target up to "
            + "\(giga(largest)) G, or smaller resolutions"
    }
}
