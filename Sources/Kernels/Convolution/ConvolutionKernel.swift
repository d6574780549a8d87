/// A way to compute a convolution of a given shape. Inputs and gradients can be computed as they are read, and results are handed on while
/// they are in cache, so that normalisation and its sums need no sweeps over memory of their own.
public protocol ConvolutionKernel {
    /// What the kernel computes with.
    var context: KernelContext { get }

    /// Slots of the finishers of `forward` and `backward`.
    var forwardSlots: Int { get }
    var backwardSlots: Int { get }

    /// How `forward` reads prepared weights.
    var preparedLayout: PreparedLayout { get }

    /// prepared ← the weights in `preparedLayout`. A caller that convolves with the same weights again keeps them.
    ///
    /// - Parameter prepared: `preparedLayout.byteCount` bytes, aligned to 64.
    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutableRawPointer)

    /// output ← input ∗ weights, which were prepared.
    func forward(input: Rows, prepared: UnsafeRawPointer, output: UnsafeMutablePointer<Float>, finish: BlockFinisher)

    /// output ← input ∗ weights.
    func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher)

    /// weightGradient += the gradient of the weights, and the gradient of the input where `inputGradient` is given.
    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?)
}

extension ConvolutionKernel {
    public func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        context.buffers.withScratchBytes(preparedLayout.byteCount) {
            prepare(weights, into: $0)
            forward(input: input, prepared: $0, output: output, finish: finish)
        }
    }
}

/// How a kernel reads prepared weights. Prepared weights can be used again by every kernel of the same convolution whose layout is equal.
public enum PreparedLayout: Hashable, Sendable {
    /// [kernel row · kernel column · input channel, output channel].
    case matrix(PackedLayout)
    /// For F(m×m, 3×3), a matrix for each position of a tile.
    case winograd(outputs: Int, WinogradWeightLayout)
    /// Depthwise weights, in the order in which they are stored.
    case stored(count: Int)

    public var byteCount: Int {
        switch self {
        case .matrix(let layout): return layout.byteCount
        case .winograd(let outputs, let layout): return (outputs + 2) * layout.count * MemoryLayout<Float>.stride
        case .stored(let count): return count * MemoryLayout<Float>.stride
        }
    }
}

/// Where a backward pass leaves the gradient of its input.
public struct InputGradient {
    var values: UnsafeMutablePointer<Float>
    /// Whether the gradient is added to what is there.
    var accumulates: Bool
    var finish: RowFinisher

    public init(_ values: UnsafeMutablePointer<Float>, accumulates: Bool, finish: @escaping RowFinisher) {
        self.values = values
        self.accumulates = accumulates
        self.finish = finish
    }
}
