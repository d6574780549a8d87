import NeuralNetwork

extension DRNet {
    /// A copy of a DRNet's values at this moment. It has no gradients, so it cannot be trained.
    public convenience init(copyForInference other: DRNet) {
        func copy(_ network: Network) -> Network {
            let copy = Network(network.definition, hasGradients: false)
            copy.copyValues(from: network)
            return copy
        }
        self.init(
            resolutions: other.resolutions, classifier: copy(other.classifier), decider: other.decider,
            predictor: other.predictor.map(copy), outputs: other.outputs, classCount: other.classCount,
            costs: other.costUnit == .milliseconds ? other.costs : nil, evaluationViews: other.evaluationViews)
    }
}
