/// Any convolution: dense ones by blocks of patches, depthwise ones directly. What is not stored is written out first.
struct GeneralConvolution: ConvolutionKernel {
    private let shape: ConvolutionShape
    private let isDepthwise: Bool

    init(_ shape: ConvolutionShape, isDepthwise: Bool) {
        self.shape = shape
        self.isDepthwise = isDepthwise
    }

    private var inputPixels: Int { shape.batch * shape.inputHeight * shape.inputWidth }
    private var outputBlocks: RowBlocks {
        isDepthwise
            ? RowBlocks(images: shape.batch, rowsPerImage: shape.outputHeight * shape.outputWidth) : PatchConvolution.blocks(shape)
    }
    private var inputBlocks: RowBlocks { RowBlocks(images: shape.batch, rowsPerImage: shape.inputHeight * shape.inputWidth) }
    var forwardSlots: Int { outputBlocks.count }
    var backwardSlots: Int { inputBlocks.count }

    var preparedCount: Int {
        isDepthwise ? shape.patchLength : ColumnPanels.count(rows: shape.patchLength, columns: shape.outputChannels)
    }

    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        if isDepthwise {
            prepared.update(from: weights, count: preparedCount)
        } else {
            ColumnPanels.write(weights, rows: shape.patchLength, columns: shape.outputChannels, into: prepared)
        }
    }

    func forward(input: Rows, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: RowFinisher) {
        input.withAll(inputPixels, channels: shape.inputChannels) {
            if isDepthwise {
                DepthwiseConvolution.forward(shape, input: $0, weights: prepared, output: output)
                outputBlocks.forEach(finish)
            } else {
                PatchConvolution.forward(shape, input: $0, panels: prepared, output: output, finish: finish)
            }
        }
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
