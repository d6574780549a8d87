import NeuralNetwork

extension DRNet {
    /// A network with the parameters and running statistics of another one, in the same memory, and with gradients of its own.
    public convenience init(sharingValuesOf other: DRNet) {
        self.init(
            resolutions: other.resolutions, classifier: Network(sharingValuesOf: other.classifier), decider: other.decider,
            predictor: other.predictor.map { Network(sharingValuesOf: $0) }, outputs: other.outputs, classCount: other.classCount,
            costs: other.costUnit == .milliseconds ? other.costs : nil, evaluationViews: other.evaluationViews)
    }
}
