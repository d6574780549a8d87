/// A way to compute a convolution of a given shape. Inputs and gradients may be computed as they are read, and results are handed on while
/// they are hot, so that normalisation and its sums cost no passes over memory of their own.
public protocol ConvolutionKernel {
    /// What the kernel computes with.
    var context: KernelContext { get }

    /// Slots of the finishers of `forward` and `backward`.
    var forwardSlots: Int { get }
    var backwardSlots: Int { get }

    /// Floats of the weights in the order in which `forward` reads them.
    var preparedCount: Int { get }

    /// prepared ← the weights in that order. Whoever convolves with the same weights again keeps it.
    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>)

    /// output ← input ∗ weights that were prepared.
    func forward(input: Rows, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher)

    /// output ← input ∗ weights.
    func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher)

    /// weightGradient += the gradient of the weights, and what `result` asks for.
    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?)
}

extension ConvolutionKernel {
    public func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        context.buffers.withScratch(preparedCount) {
            prepare(weights, into: $0)
            forward(input: input, prepared: $0, output: output, finish: finish)
        }
    }
}

/// Where a backward pass is to leave the gradient of its input.
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
