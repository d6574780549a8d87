import DynamicResolution
import Interchange
import NeuralNetwork

extension TrainingConfiguration {
    /// Without values.
    package func makeClassifier(classCount: Int) -> Network {
        classifier.architecture.makeNetwork(
            width: classifier.width, outputs: classCount, resolutionCount: resolutions.count, batchNorm: batchNormOptions,
            zeroInitResidual: classifier.zeroInitResidual)
    }

    /// Without values; nil where no stage trains one.
    package func makePredictor() -> Network? {
        guard stages.fineTune != nil else { return nil }
        return ResNet(
            ResNet.Architecture(predictorWidths: predictor.widths), outputs: resolutions.count, resolutionCount: nil,
            batchNorm: batchNormOptions)
    }

    /// Whether the classifier has a part that the predictor could start from.
    package var hasWarmStart: Bool {
        guard let target = makePredictor() else { return false }
        let warmStart = PredictorWarmStart(
            from: makeClassifier(classCount: 1), to: target, resolutions: resolutions, inputSize: predictor.inputSize)
        return !warmStart.parts.isEmpty
    }

    private var batchNormOptions: BatchNormOptions {
        BatchNormOptions(momentum: batchNorm.momentum, epsilon: batchNorm.epsilon)
    }
}

extension FLOPsModel {
    /// What the networks of a configuration cost.
    package init(_ configuration: TrainingConfiguration, classCount: Int) {
        self.init(
            classifier: configuration.makeClassifier(classCount: classCount), resolutions: configuration.resolutions,
            predictor: configuration.makePredictor(), predictorInputSize: configuration.predictor.inputSize)
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
