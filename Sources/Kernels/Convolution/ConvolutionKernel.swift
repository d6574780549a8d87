/// Computes a convolution of one shape.
///
/// A kernel can compute its inputs and gradients while it reads them. It passes on results while they are in cache. Normalisation and its
/// sums therefore need no separate passes over memory.
public protocol ConvolutionKernel {
    /// The threads, buffers and matrix products of the kernel.
    var context: KernelContext { get }

    /// The number of slots of the finishers of `forward` and `backward`.
    var forwardSlots: Int { get }
    var backwardSlots: Int { get }

    /// The layout of the prepared weights that `forward` reads.
    var preparedLayout: PreparedLayout { get }

    /// prepared ← the weights in `preparedLayout`. A caller that uses the same weights for several convolutions prepares them once.
    ///
    /// - Parameters:
    ///   - weights: as `backward` reads them.
    ///   - prepared: `preparedLayout.byteCount` bytes, aligned to 64.
    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutableRawPointer)

    /// output ← input ∗ weights, with prepared weights.
    func forward(input: Rows, prepared: UnsafeRawPointer, output: UnsafeMutablePointer<Float>, finish: BlockFinisher)

    /// output ← input ∗ weights.
    func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher)

    /// weightGradient += the gradient of the weights. Also computes the gradient of the input if `inputGradient` is given.
    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?)
}

extension ConvolutionKernel {
    /// output ← input ∗ weights. Prepares the weights in scratch memory first.
    public func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        context.buffers.withScratchBytes(preparedLayout.byteCount) {
            prepare(weights, into: $0)
            forward(input: input, prepared: $0, output: output, finish: finish)
        }
    }
}

/// The memory layout of prepared weights. Kernels of the same convolution with equal layouts can share prepared weights.
public indirect enum PreparedLayout: Hashable, Sendable {
    /// [kernel row · kernel column · input channel, output channel].
    case matrix(PackedLayout)
    /// Winograd's F(m×m, 3×3): one matrix per position of a tile.
    case winograd(outputs: Int, WinogradWeightLayout)
    /// Depthwise weights, in their stored order.
    case stored(count: Int)
    /// Several convolutions of equal shapes, one after another.
    case slices(count: Int, PreparedLayout)

    /// The size of the prepared weights in bytes.
    public var byteCount: Int {
        switch self {
        case .matrix(let layout): return layout.byteCount
        case .winograd(let outputs, let layout): return (outputs + 2) * layout.count * MemoryLayout<Float>.stride
        case .stored(let count): return count * MemoryLayout<Float>.stride
        case .slices(let count, let slice): return count * slice.alignedByteCount
        }
    }

    /// The size in bytes, rounded up to cache lines.
    var alignedByteCount: Int { (byteCount + 63) / 64 * 64 }
}

/// The destination of the input's gradient in a backward pass.
public struct InputGradient {
    var values: UnsafeMutablePointer<Float>
    /// Whether the gradient is added to the existing values.
    var accumulates: Bool
    var finish: RowFinisher

    /// - Parameters:
    ///   - values: receives the gradient.
    ///   - accumulates: whether the gradient is added to the existing values.
    ///   - finish: receives each range of rows when its gradient is complete.
    public init(_ values: UnsafeMutablePointer<Float>, accumulates: Bool, finish: @escaping RowFinisher) {
        self.values = values
        self.accumulates = accumulates
        self.finish = finish
    }

    /// The part from this row on. Its finisher receives rows of the whole gradient.
    func from(_ first: Int, channels: Int) -> InputGradient {
        InputGradient(values + first * channels, accumulates: accumulates) { [finish] slot, rows in
            finish(slot, rows.lowerBound + first..<rows.upperBound + first)
        }
    }
}
