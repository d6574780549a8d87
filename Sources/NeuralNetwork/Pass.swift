import Kernels

/// Sums over all ranks. The networks know no MPI: whoever runs them passes this in.
public protocol StatisticsReducer: AnyObject {
    /// values ← their sum over all ranks, the same bits everywhere. Collective.
    func sumOverRanks(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws
}

/// How a network is run: one forward pass (and the backward pass that belongs to it) of a sub-batch of one resolution.
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
    /// Whether the statistics of this pass are to enter the running statistics.
    public var recordsStatistics: Bool
    /// What evaluation passes with the same weights keep between them.
    public var frozenWeights: FrozenWeights?

    public init(
        _ mode: Mode, resolutionIndex: Int = 0, reducer: StatisticsReducer? = nil, recordsStatistics: Bool = true,
        frozenWeights: FrozenWeights? = nil
    ) {
        self.mode = mode
        self.resolutionIndex = resolutionIndex
        self.reducer = reducer
        self.recordsStatistics = recordsStatistics
        self.frozenWeights = frozenWeights
    }
}

/// Takes the gradient of an output, adds to the gradients of the parameters, and returns the gradient of the input. It may
/// overwrite the tensor that it is given, and is called once at most. Collective where the pass has a reducer.
public typealias Pullback = (Tensor) throws -> Tensor

/// What a forward pass gives: the output, and the pullback in a training pass.
public struct Forward {
    public var output: Tensor
    public var pullback: Pullback?

    public init(_ output: Tensor, _ pullback: Pullback?) {
        self.output = output
        self.pullback = pullback
    }
}

/// The same inside a network, where layers hand on activations.
struct BlockForward {
    typealias Pullback = (ActivationGradient) throws -> ActivationGradient

    var output: Activations
    var pullback: Pullback?

    init(_ output: Activations, _ pullback: Pullback?) {
        self.output = output
        self.pullback = pullback
    }
}

/// A network from images to logits.
public protocol Network: AnyObject {
    var arena: ParameterArena { get }
    /// Every batch norm, in the order in which a forward pass meets them.
    var batchNorms: [ResolutionAwareBatchNorm] { get }
    /// images [N, H, W, 3] → logits [N, 1, 1, classes]. The pullback's result is an empty tensor: images have no gradient.
    func forward(_ images: Tensor, _ pass: Pass) throws -> Forward
    /// Appends the cost of each layer for images of this shape, in order.
    func trace(_ shape: Shape, into costs: inout [LayerCost])
}

/// What one layer costs for a batch of the shape that was traced.
public struct LayerCost: Sendable {
    public var name: String
    /// Multiply-adds of convolutions and linear layers; what the field calls FLOPs. Norms, activations and pooling count nothing.
    public var multiplyAdds: Int
    public var output: Shape
    /// The sizes of a dense convolution; nil for other layers.
    public var convolution: ConvolutionShape?
}

extension Network {
    /// Multiply-adds for one square image.
    public func multiplyAdds(resolution: Int) -> Int {
        var costs: [LayerCost] = []
        trace(Shape(batch: 1, height: resolution, width: resolution, channels: 3), into: &costs)
        return costs.reduce(0) { $0 + $1.multiplyAdds }
    }
}
