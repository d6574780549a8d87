/// When a run that continues can have another value of a key. docs/configuration.md has this for every key.
package enum KeyChange: String {
    /// Tensors, images, or the order and the number of steps depend on the key.
    case never
    /// Later starts ignore the key.
    case atTheStart = "no: only the start uses it"
    case beforeFineTuning = "before fine-tuning"
    case beforeItsStageEnds = "before its stage ends"
    case beforeTheRunEnds = "before the run ends"
    /// A complete run uses the key, too: it is evaluated.
    case always

    static let fixed: Set<String> = [
        "classifier.architecture", "classifier.width", "predictor.kind", "predictor.architecture", "predictor.blocks", "predictor.head",
        "predictor.hiddenUnits", "predictor.widths", "predictor.inputSize", "policy.heldOutParts", "data.fold", "data.sampling",
        "data.repeats", "optimizer.kind",
    ]
    /// `RunIdentity` compares these, and `ContinuedConfiguration` the costs.
    static let comparedElsewhere: Set<String> = [
        "seed", "resolutions", "optimizer.batchSize", "optimizer.accumulationSteps", "policy.cost",
    ]
    static let initial: Set<String> = [
        "classifier.pretrained", "classifier.zeroInitResidual", "predictor.pretrained", "predictor.lastLayerScale",
    ]
    static let lasting = [
        "evaluation.", "kernels.", "communication.", "metrics.", "checkpoints.", "divergence.", "data.folder", "data.decodingThreads",
        "data.prefetchBatches", "data.resizeRatio", "data.mean", "data.standardDeviation",
    ]

    /// - Parameter key: its full name.
    package init(_ key: String) {
        if Self.fixed.contains(key) || Self.comparedElsewhere.contains(key) {
            self = .never
        } else if Self.initial.contains(key) {
            self = .atTheStart
        } else if key == "predictor.warmStart" {
            self = .beforeFineTuning
        } else if key.hasPrefix("stages.") {
            self = .beforeItsStageEnds
        } else {
            self = Self.lasting.contains(where: key.hasPrefix) ? .always : .beforeTheRunEnds
        }
    }
}
