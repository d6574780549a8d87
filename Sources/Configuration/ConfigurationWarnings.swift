import NeuralNetwork

/// What a person should think about, though it can be run.
extension TrainingConfiguration {
    /// Values a channel below which batch statistics can not be trusted: fine-tuning with 10 ruined a classifier that 16 left whole
    /// (docs/experiments.md).
    private static let fewestValues = 16

    public var warnings: [String] { [unevenResolutions, smallSubBatches].compactMap { $0 } }

    private var unevenResolutions: String? {
        let uneven = resolutions.filter { $0 % Backbone.stride != 0 }
        guard !uneven.isEmpty else { return nil }
        let names = uneven.map(String.init).joined(separator: ", ")
        return
            "resolutions: \(names) \(uneven.count == 1 ? "is no multiple" : "are no multiples") of \(Backbone.stride), the networks' stride, and "
            + "cost more than their pixels (drnet info tells)"
    }

    /// Sub-batches have their own statistics.
    private var smallSubBatches: String? {
        guard stages.fineTune != nil, policy.estimator != .dense, let smallest = resolutions.last else { return nil }
        let side = (smallest + Backbone.stride - 1) / Backbone.stride
        let batch = optimizer.batchSize / optimizer.accumulationSteps
        let images = batch / resolutions.count
        guard images * side * side < Self.fewestValues else { return nil }
        let enough = (Self.fewestValues + side * side - 1) / (side * side) * resolutions.count * optimizer.accumulationSteps
        return
            "optimizer.batchSize: \(optimizer.batchSize) in \(resolutions.count) sub-batches is some \(images) images each, with \(side * side) "
            + "\(side == 1 ? "pixel" : "pixels") at the end of the network at resolution \(smallest): so few values make poor batch statistics, "
            + "and fine-tuning can ruin the classifier. Take \(enough) at least, or larger resolutions"
    }
}
