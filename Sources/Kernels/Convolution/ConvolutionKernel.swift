/// A way to compute a convolution of a given shape. Inputs and gradients may be computed as they are read, and results are handed on while
/// they are hot, so that normalisation and its sums cost no passes over memory of their own.
public protocol ConvolutionKernel {
    /// Slots of the finishers of `forward` and `backward`.
    var forwardSlots: Int { get }
    var backwardSlots: Int { get }

    /// Floats of the weights in the order in which `forward` reads them.
    var preparedCount: Int { get }

    /// prepared ← the weights in that order. Whoever convolves with the same weights again keeps it.
    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>)

    /// output ← input ∗ weights that were prepared.
    func forward(input: Rows, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: RowFinisher)

    /// output ← input ∗ weights.
    func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: RowFinisher)

    /// weightGradient += the gradient of the weights, and what `result` asks for.
    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?)
}

extension ConvolutionKernel {
    public func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: RowFinisher) {
        BufferPool.withScratch(preparedCount) {
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

/// The choice of a kernel by shape.
public enum ConvolutionKernels {
    public enum WinogradUse: Sendable {
        case never
        /// Where the model of the cost says that it is faster.
        case wherePays
        /// Wherever it can be used, for tests.
        case always
    }

    /// Which 3×3 convolutions use Winograd's transforms; set once at the start, before any kernel runs.
    nonisolated(unsafe) public private(set) static var winograd = WinogradUse.wherePays

    public static func configure(winograd: WinogradUse) {
        Self.winograd = winograd
    }

    /// Winograd's transforms where they pay, or nowhere.
    public static func configure(winograd isAllowed: Bool) {
        configure(winograd: isAllowed ? .wherePays : .never)
    }

    public static func kernel(for shape: ConvolutionShape, isDepthwise: Bool) -> ConvolutionKernel {
        if isDepthwise { return GeneralConvolution<DepthwiseConvolution>(shape) }
        if shape.isPointwise { return PointwiseConvolution(shape) }
        if usesWinograd(shape) { return WinogradConvolution(shape) }
        return GeneralConvolution<PatchConvolution>(shape)
    }

    private static func usesWinograd(_ shape: ConvolutionShape) -> Bool {
        switch winograd {
        case .never: return false
        case .wherePays: return WinogradConvolution.supports(shape) && winogradPays(shape)
        case .always: return WinogradConvolution.supports(shape)
        }
    }

    /// A model of the cost, in multiply-adds for each pair of channels: patches need 9 for an output pixel, Winograd 36 for a tile and the
    /// transform of the weights. Writing and reading 36 matrices costs some 18 multiply-adds an element (4 bytes written, 4 read at
    /// 10 GB/s and 50 G multiply-adds/s a core). Tiles reach over the edge: what counts is how many there are.
    private static func winogradPays(_ shape: ConvolutionShape) -> Bool {
        let tiles = shape.batch * ((shape.outputHeight + 3) / 4) * ((shape.outputWidth + 3) / 4)
        let weightTransform = 36 * 18
        return 36 * tiles + weightTransform < 9 * shape.outputPixels
    }
}
