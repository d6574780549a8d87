import NeuralNetwork

extension TrainingConfiguration {
    /// Batch statistics of fewer values a channel are not reliable. Fine-tuning with 10 values destroyed a classifier that was not affected
    /// by 16 (docs/experiments.md).
    private static let fewestValues = 16

    /// Warnings about valid settings that are probably not intended.
    public var warnings: [String] { [unevenResolutions, smallSubBatches].compactMap { $0 } }

    private var unevenResolutions: String? {
        let uneven = resolutions.filter { $0 % Backbone.stride != 0 }
        guard !uneven.isEmpty else { return nil }
        let names = uneven.map(String.init).joined(separator: ", ")
        return
            "resolutions: \(names) \(uneven.count == 1 ? "is not a multiple" : "are not multiples") of the networks' stride "
            + "\(Backbone.stride): the cost is higher than the number of pixels suggests; 'drnet info' prints it"
    }

    /// Each sub-batch has its own batch statistics. `dense` has no sub-batches.
    private var smallSubBatches: String? {
        guard stages.fineTune != nil, policy.estimator != .dense, let smallest = resolutions.last else { return nil }
        let side = (smallest + Backbone.stride - 1) / Backbone.stride
        let batch = optimizer.batchSize / optimizer.accumulationSteps
        let images = batch / resolutions.count
        guard images * side * side < Self.fewestValues else { return nil }
        let enough = (Self.fewestValues + side * side - 1) / (side * side) * resolutions.count * optimizer.accumulationSteps
        return
            "optimizer.batchSize: \(optimizer.batchSize) in \(resolutions.count) sub-batches is about \(images) images each, with "
            + "\(side * side) "
            + "\(side == 1 ? "pixel" : "pixels") at the end of the network at resolution \(smallest). Batch statistics of so few values "
            + "are not reliable, and fine-tuning can destroy the classifier. Use at least \(enough) images, or larger resolutions"
    }
}
