import Kernels

/// What one layer hands to the next. The values are stored, or they are computed by whoever reads them, from a convolution's output and the
/// normalisation behind it; a training pass that stored them keeps both.
public final class Activations {
    public let shape: Shape
    let context: KernelContext
    /// The values, where they are written out.
    let stored: Tensor?
    /// What a training pass computed, or computes, the values from.
    let source: Source?

    struct Source {
        /// The convolution's output, before the normalisation.
        var convolved: Tensor
        var normalization: ChannelNormalization
    }

    init(_ stored: Tensor, source: Source? = nil) {
        shape = stored.shape
        context = stored.context
        self.stored = stored
        self.source = source
    }

    init(_ source: Source) {
        shape = source.convolved.shape
        context = source.convolved.context
        stored = nil
        self.source = source
    }

    /// The values as a matrix [pixels × channels]. The memory stays valid while this object lives.
    var rows: Rows {
        if let stored { return .stored(stored.data) }
        guard let source else { preconditionFailure("activations are stored or have a source") }
        let (input, channels) = (UnsafePointer(source.convolved.data), shape.channels)
        return .computed { rows, target in
            source.normalization.apply(input + rows.lowerBound * channels, count: rows.count, into: target)
        }
    }

    /// The values, written out if they are not yet.
    func materialized() -> Tensor {
        if let stored { return stored }
        guard let source else { preconditionFailure("activations are stored or have a source") }
        let tensor = Tensor(shape, context)
        source.normalization.applyInParallel(source.convolved.data, count: shape.pixels, into: tensor.data, context)
        return tensor
    }
}

/// The gradient of activations.
public struct ActivationGradient {
    public var tensor: Tensor
    /// Σ g, then Σ g · (x − mean), of each channel, where x is the output of the convolution behind the activations and g the gradient
    /// that their activation lets through; nil where they were not gathered while the gradient was hot.
    var sums: [Double]?

    init(_ tensor: Tensor, sums: [Double]? = nil) {
        self.tensor = tensor
        self.sums = sums
    }
}

extension Activations.Source {
    /// A collector of an `ActivationGradient`'s sums.
    func makeSums(slots: Int) -> ChannelSums {
        let shape = convolved.shape
        return ChannelSums(slots: slots, channels: shape.channels, rowsPerImage: shape.height * shape.width, convolved.context)
    }

    /// Adds the rows of a gradient that is complete there.
    func add(_ slot: Int, _ rows: Range<Int>, gradient: Tensor, stored: Tensor?, to sums: ChannelSums) {
        normalization.addGradientSums(
            slot, rows, gradient: gradient.data, input: convolved.data, output: stored.map { UnsafePointer($0.data) }, to: sums)
    }
}

extension Activations {
    /// The sums of a complete gradient, in a sweep of their own.
    func gradientSums(_ gradient: Tensor) -> [Double] {
        guard let source else { preconditionFailure("only normalised activations have gradient sums") }
        let blocks = RowBlocks(images: shape.batch, rowsPerImage: shape.height * shape.width)
        let sums = source.makeSums(slots: blocks.count)
        context.threads.forEach(blocks) { source.add($0, $1, gradient: gradient, stored: stored, to: sums) }
        return sums.total
    }
}
