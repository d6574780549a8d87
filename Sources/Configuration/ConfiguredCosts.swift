import DynamicResolution
import Interchange
import NeuralNetwork

extension TrainingConfiguration {
    /// The classifier's definition. Allocates no parameters.
    package func classifierDefinition(classCount: Int) -> NetworkDefinition {
        let options = BackboneOptions(width: classifier.width, zeroInitResidual: classifier.zeroInitResidual)
        return NetworkDefinition(
            architecture: classifier.architecture.architecture(options), outputs: classCount, resolutionCount: resolutions.count,
            batchNormEpsilon: batchNorm.epsilon, frozenStages: classifier.freezeStages)
    }

    /// What chooses resolutions. Nil if nothing does: a decider with a network needs fine-tuning.
    package var decider: Decider? {
        switch predictor.kind {
        case .none: return nil
        case .network: return stages.fineTune == nil ? nil : .network(inputSize: predictor.inputSize)
        case .cascade: return predictor.head == .learned && stages.fineTune == nil ? nil : .cascade(predictor.head)
        }
    }

    /// What the outputs of the decider's network mean.
    package var decisionOutputs: DecisionOutputs { policy.estimator == .regression ? .losses : .policy }

    /// The definition of the decider's network; nil if it has none. Allocates no parameters.
    ///
    /// - Parameter classCount: outputs of the classifier. A cascade's head sees their probabilities.
    package func predictorDefinition(classCount: Int) -> NetworkDefinition? {
        let architecture: any NetworkArchitecture
        switch decider {
        case nil, .cascade(.threshold): return nil
        case .cascade(.learned):
            let features = classifierDefinition(classCount: classCount).featureCount
            architecture = DecisionHead(
                inputs: CascadeEvidence.vectorLength(features: features, classes: classCount), hidden: predictor.hiddenUnits)
        case .network:
            architecture =
                predictor.architecture == .residual
                ? ResNet.Architecture(predictorWidths: predictor.widths)
                : classifier.architecture.architecture(.init(width: classifier.width, blocks: predictor.blocks))
        }
        return NetworkDefinition(
            architecture: architecture, outputs: resolutions.count, resolutionCount: nil, batchNormEpsilon: batchNorm.epsilon)
    }

    /// Whether a warm start copies at least one layer of the classifier into the predictor. Compares names and shapes; builds no network.
    package var hasWarmStart: Bool {
        guard let target = predictorDefinition(classCount: 1) else { return false }
        let warmStart = PredictorWarmStart(
            from: classifierDefinition(classCount: 1).tensors, to: target.tensors, resolutions: resolutions,
            inputSize: predictor.inputSize)
        return !warmStart.parts.isEmpty
    }
}

extension FLOPsModel {
    /// The costs of a configuration's networks. Builds no network.
    package init(_ configuration: TrainingConfiguration, classCount: Int) {
        self.init(
            classifier: configuration.classifierDefinition(classCount: classCount), resolutions: configuration.resolutions,
            decider: configuration.decider, predictor: configuration.predictorDefinition(classCount: classCount))
    }
}

extension FLOPsRegularizer {
    /// The regulariser of a configuration, in the unit that decisions weigh.
    ///
    /// - Throws: `UnreachableTarget` if the target is below the cost of the smallest resolution.
    package init(_ policy: TrainingConfiguration.PolicyOptions, _ flops: FLOPsModel) throws(UnreachableTarget) {
        let weighed = policy.costTable?.milliseconds ?? flops.costs
        let predictorCost = policy.countPredictor ? weighed.predictor : 0
        let costs = weighed.choices.map { $0 + predictorCost }
        let target: Double
        switch policy.flopsTarget {
        case .share(let share): target = share * weighed.largest
        case .multiplyAdds(let count): target = count
        }
        guard target >= costs.min() ?? 0 else {
            throw UnreachableTarget(
                target: target, smallest: costs.min() ?? 0, largest: costs.max() ?? 0,
                unit: policy.costTable == nil ? .multiplyAdds : .milliseconds)
        }
        // F̄ is the classifier's cost only. If the target includes the predictor, subtract the predictor's constant cost.
        self.init(policy.flopsPenalty, weight: policy.flopsWeight, target: target - predictorCost, costs: weighed.choices)
    }
}

/// Every choice of resolutions costs more than `policy.flopsTarget`.
package struct UnreachableTarget: Error, CustomStringConvertible {
    var target: Double
    var smallest: Double
    var largest: Double
    var unit = CostUnit.multiplyAdds

    package var description: String { "policy.flopsTarget \(problem)" }

    /// The end of a sentence that begins with the key.
    var problem: String {
        let (scale, short, long) = unit == .multiplyAdds ? (1e-9, " G", " G multiply-adds") : (1.0, " ms", " ms")
        func text(_ cost: Double) -> String { Figures.threeDigits(scale * cost) }
        return "is \(text(target))\(long), but even the smallest resolution costs \(text(smallest))\(short): choose a target up to "
            + "\(text(largest))\(short), or smaller resolutions"
    }
}
