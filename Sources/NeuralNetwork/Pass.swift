/// Sums over all ranks. The networks do not depend on MPI: the caller supplies the implementation.
public protocol StatisticsReducer: AnyObject {
    /// values ← their sum over all ranks, the same bits everywhere. Collective.
    func sumOverRanks(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws
}

/// How a network is run: one forward pass, and the backward pass that belongs to it, of a sub-batch of one resolution.
public struct Pass {
    public enum Mode {
        /// Batch norms use the statistics of the sub-batch, and the backward pass can follow.
        case training
        /// Batch norms use their running statistics; nothing is kept for a backward pass.
        case evaluation
    }

    public var mode: Mode
    /// Which copy of each resolution-aware batch norm to use.
    public var resolutionIndex: Int
    /// Batch-norm statistics are those of all ranks' sub-batches together where this is set (`global`), of this rank's own
    /// where it is nil (`local`).
    public var reducer: StatisticsReducer?
    /// Collects the batch-norm sums of a training pass. Nil for a pass that leaves no trace in the running statistics.
    public var statistics: StatisticsCollector?
    /// Receives the progress of the backward pass; nil if nothing needs it.
    public var progress: GradientProgress?
    /// Stages of the network that a training pass runs as in evaluation, from the first on; see `NetworkDefinition.frozenStages`.
    var frozenStages = 0
    /// False for the first layer after frozen ones: the backward pass ends there.
    private(set) var needsInputGradient = true
    /// The weights that inference prepares once; see `FrozenNetwork`.
    private(set) var prepared: PreparedWeights?

    public init(
        _ mode: Mode, resolutionIndex: Int = 0, reducer: StatisticsReducer? = nil, statistics: StatisticsCollector? = nil,
        progress: GradientProgress? = nil
    ) {
        self.mode = mode
        self.resolutionIndex = resolutionIndex
        self.reducer = reducer
        self.statistics = statistics
        self.progress = progress
    }

    /// The pass of a frozen layer: it normalises with running statistics and has no pullback.
    var throughFrozenLayer: Pass { Pass(.evaluation, resolutionIndex: resolutionIndex) }

    /// The pass of the first layer after frozen ones.
    var afterFrozenLayers: Pass {
        var pass = self
        pass.needsInputGradient = false
        return pass
    }

    /// The pass of a block's layers after its first one. Their inputs have gradients in any case.
    var insideBlock: Pass {
        var pass = self
        pass.needsInputGradient = true
        return pass
    }

    /// An evaluation pass of a network whose values never change.
    init(resolutionIndex: Int, prepared: PreparedWeights) {
        self.init(.evaluation, resolutionIndex: resolutionIndex)
        self.prepared = prepared
    }
}

/// The result of a forward pass: the output and, in a training pass, the pullback.
///
/// A pullback takes the gradient of the output, adds to the gradients of the parameters, and returns the gradient of the input. It may
/// overwrite the gradient that it takes. It runs once at most. Collective where the pass has a reducer.
public struct Forward<Output, Pullback> {
    public var output: Output
    /// Nil in an evaluation pass.
    public var pullback: Pullback?

    public init(_ output: Output, _ pullback: Pullback?) {
        self.output = output
        self.pullback = pullback
    }
}

/// The result of a network's forward pass.
public struct NetworkForward {
    /// Logits [N, 1, 1, outputs].
    public var output: Tensor
    /// The input of the last layer, [N, 1, 1, C]: the mean of the last feature map over its pixels. It has no gradient of its own.
    public var features: Tensor
    /// Takes the gradient of the logits, and adds to the gradients of the parameters; images have no gradient. Nil in an evaluation pass.
    public var pullback: ((Tensor) throws -> Void)?

    /// - Parameter features: nil for a network whose last layer has no input of its own; the logits take its place.
    public init(_ output: Tensor, features: Tensor? = nil, _ pullback: ((Tensor) throws -> Void)?) {
        self.output = output
        self.features = features ?? output
        self.pullback = pullback
    }
}

/// The pullback of a layer between feature maps.
typealias FeaturePullback = (FeatureGradient) throws -> FeatureGradient
