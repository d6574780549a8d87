/// A way to convolve operands that lie in memory; functions as in `ConvolutionKernel`.
protocol StoredConvolution {
    /// The blocks of output pixels that `forward` tells of.
    static func blocks(_ shape: ConvolutionShape) -> RowBlocks
    static func preparedCount(_ shape: ConvolutionShape) -> Int
    static func prepare(_ shape: ConvolutionShape, _ weights: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>)
    static func forward(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
        finish: BlockFinisher)
    static func inputGradient(
        _ shape: ConvolutionShape, outputGradient: UnsafePointer<Float>, weights: UnsafePointer<Float>,
        inputGradient: UnsafeMutablePointer<Float>, accumulate: Bool)
    static func addWeightGradient(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
        weightGradient: UnsafeMutablePointer<Float>)
}

/// Any convolution, by blocks of patches or, where depthwise, directly. What is not stored is written out first.
struct GeneralConvolution<Method: StoredConvolution>: ConvolutionKernel {
    private let shape: ConvolutionShape

    init(_ shape: ConvolutionShape) {
        self.shape = shape
    }

    private var inputPixels: Int { shape.batch * shape.inputHeight * shape.inputWidth }
    private var inputBlocks: RowBlocks { RowBlocks(images: shape.batch, rowsPerImage: shape.inputHeight * shape.inputWidth) }
    var forwardSlots: Int { Method.blocks(shape).count }
    var backwardSlots: Int { inputBlocks.count }
    var preparedCount: Int { Method.preparedCount(shape) }

    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        Method.prepare(shape, weights, into: prepared)
    }

    func forward(input: Rows, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        input.withAll(inputPixels, channels: shape.inputChannels) {
            Method.forward(shape, input: $0, prepared: prepared, output: output, finish: finish)
        }
    }

    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        outputGradient.withAll(shape.outputPixels, channels: shape.outputChannels) { gradient in
            input.withAll(inputPixels, channels: shape.inputChannels) {
                Method.addWeightGradient(shape, input: $0, outputGradient: gradient, weightGradient: weightGradient)
            }
            guard let inputGradient else { return }
            Method.inputGradient(
                shape, outputGradient: gradient, weights: weights, inputGradient: inputGradient.values,
                accumulate: inputGradient.accumulates)
            inputBlocks.forEach(inputGradient.finish)
        }
    }
}
