import Kernels

/// The output of a layer, [N, H, W, C]. The values are stored, or each reader computes them from a convolution's output and the
/// normalisation after it. A training pass that stores the values keeps the convolution's output too.
public final class FeatureMap {
    public let shape: Shape
    let context: KernelContext
    /// The values, where they are in memory.
    let stored: KeptValues?
    /// The convolution's output that the values come from; nil where no normalisation precedes them.
    let source: Source?

    struct Source {
        /// The convolution's output, before the normalisation.
        var convolved: KeptValues
        var normalization: ChannelNormalization
    }

    init(_ stored: KeptValues, source: Source? = nil) {
        (shape, context) = (stored.shape, stored.context)
        self.stored = stored
        self.source = source
    }

    /// Values that are in memory as floats, and stay there.
    convenience init(_ stored: Tensor) { self.init(KeptValues(stored)) }

    init(_ source: Source) {
        (shape, context) = (source.convolved.shape, source.convolved.context)
        stored = nil
        self.source = source
    }

    /// The values as a matrix [pixels × channels]. The memory stays valid while this object lives.
    var rows: Rows {
        if let stored { return stored.rows }
        guard let source else { preconditionFailure("a feature map is stored or has a source") }
        return .computed { source.normalization.apply(source.convolved.matrix, rows: $0, into: $1) }
    }

    /// Whether `materialized` returns the memory of this feature map rather than a copy.
    var hasFloats: Bool { stored?.tensor != nil }

    /// The values in memory as floats; computed in parallel where they are not there.
    func materialized() -> Tensor {
        if let stored { return stored.floats() }
        guard let source else { preconditionFailure("a feature map is stored or has a source") }
        let tensor = Tensor(shape, context)
        source.normalization.applyInParallel(source.convolved.matrix, count: shape.pixels, into: .float32(tensor.data), context)
        return tensor
    }
}

/// The gradient of a feature map.
public struct FeatureGradient {
    public var tensor: Tensor
    /// Σ g, then Σ g · (x − mean), of each channel. x is the output of the convolution that the feature map comes from, and g the gradient
    /// that the activation function lets through. Nil where the sums were not gathered while the gradient was in cache.
    var sums: [Double]?

    init(_ tensor: Tensor, sums: [Double]? = nil) {
        self.tensor = tensor
        self.sums = sums
    }
}

extension FeatureMap.Source {
    /// A collector of a `FeatureGradient`'s sums.
    func makeSums(slots: Int) -> ChannelSums {
        let shape = convolved.shape
        return ChannelSums(slots: slots, channels: shape.channels, rowsPerImage: shape.height * shape.width, convolved.context)
    }

    /// Adds the rows of a gradient that is complete there.
    func add(_ slot: Int, _ rows: Range<Int>, gradient: Tensor, stored: KeptValues?, to sums: ChannelSums) {
        normalization.addGradientSums(slot, rows, gradient: gradient.data, input: convolved.matrix, output: stored?.matrix, to: sums)
    }
}

extension FeatureMap {
    /// The sums of a complete gradient, in a sweep of their own.
    func gradientSums(_ gradient: Tensor) -> [Double] {
        guard let source else { preconditionFailure("only normalised feature maps have gradient sums") }
        let blocks = RowBlocks(images: shape.batch, rowsPerImage: shape.height * shape.width)
        let sums = source.makeSums(slots: blocks.count)
        context.threads.forEach(blocks) { source.add($0, $1, gradient: gradient, stored: stored, to: sums) }
        return sums.total
    }
}
