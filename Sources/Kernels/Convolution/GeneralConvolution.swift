/// Any convolution: dense ones by blocks of patches, depthwise ones directly. What is not stored is written out first.
struct GeneralConvolution: ConvolutionKernel {
    private let shape: ConvolutionShape
    private let isDepthwise: Bool

    init(_ shape: ConvolutionShape, isDepthwise: Bool) {
        self.shape = shape
        self.isDepthwise = isDepthwise
    }

    private var inputPixels: Int { shape.batch * shape.inputHeight * shape.inputWidth }
    private var outputBlocks: RowBlocks { RowBlocks(images: shape.batch, rowsPerImage: shape.outputHeight * shape.outputWidth) }
    private var inputBlocks: RowBlocks { RowBlocks(images: shape.batch, rowsPerImage: shape.inputHeight * shape.inputWidth) }
    var forwardSlots: Int { outputBlocks.count }
    var backwardSlots: Int { inputBlocks.count }

    func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: RowFinisher) {
        input.withAll(inputPixels, channels: shape.inputChannels) {
            if isDepthwise {
                DepthwiseConvolution.forward(shape, input: $0, weights: weights, output: output)
            } else {
                PatchConvolution.forward(shape, input: $0, weights: weights, output: output)
            }
        }
        outputBlocks.forEach(finish)
    }

    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        outputGradient.withAll(shape.outputPixels, channels: shape.outputChannels) { gradient in
            input.withAll(inputPixels, channels: shape.inputChannels) {
                if isDepthwise {
                    DepthwiseConvolution.addWeightGradient(
                        shape, input: $0, outputGradient: gradient, weightGradient: weightGradient)
                } else {
                    PatchConvolution.addWeightGradient(shape, input: $0, outputGradient: gradient, weightGradient: weightGradient)
                }
            }
            guard let inputGradient else { return }
            if isDepthwise {
                DepthwiseConvolution.inputGradient(
                    shape, outputGradient: gradient, weights: weights, inputGradient: inputGradient.values,
                    accumulate: inputGradient.accumulates)
            } else {
                PatchConvolution.inputGradient(
                    shape, outputGradient: gradient, weights: weights, inputGradient: inputGradient.values,
                    accumulate: inputGradient.accumulates)
            }
            inputBlocks.forEach(inputGradient.finish)
        }
    }
}
