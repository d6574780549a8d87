/// Depthwise convolutions (one filter per channel) of NHWC images, computed directly. They do too little arithmetic for a matrix product to
/// pay off. Weights are [kernel row, kernel column, channel].
///
/// Computed operands are written to scratch memory first.
struct DepthwiseConvolution: ConvolutionKernel {
    private let shape: ConvolutionShape
    let context: KernelContext

    init(_ shape: ConvolutionShape, _ context: KernelContext) {
        self.shape = shape
        self.context = context
    }

    private var outputBlocks: RowBlocks { RowBlocks(images: shape.batch, rowsPerImage: shape.outputHeight * shape.outputWidth) }
    private var inputBlocks: RowBlocks { RowBlocks(images: shape.batch, rowsPerImage: shape.inputHeight * shape.inputWidth) }
    var forwardSlots: Int { outputBlocks.count }
    var backwardSlots: Int { inputBlocks.count }
    var preparedLayout: PreparedLayout { .stored(count: shape.patchLength) }

    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutableRawPointer) {
        prepared.copyMemory(from: weights, byteCount: preparedLayout.byteCount)
    }

    func forward(input: Rows, prepared: UnsafeRawPointer, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        input.withAll(shape.inputPixels, channels: shape.inputChannels, context) {
            forward(input: $0, weights: prepared.assumingMemoryBound(to: Float.self), output: output)
        }
        context.threads.forEach(outputBlocks) { finish($0, $1, 0..<shape.outputChannels) }
    }

    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        outputGradient.withAll(shape.outputPixels, channels: shape.outputChannels, context) { gradient in
            input.withAll(shape.inputPixels, channels: shape.inputChannels, context) {
                addWeightGradient(input: $0, outputGradient: gradient, to: weightGradient)
            }
            guard let inputGradient else { return }
            writeInputGradient(
                outputGradient: gradient, weights: weights, into: inputGradient.values, accumulates: inputGradient.accumulates)
            context.threads.forEach(inputBlocks, inputGradient.finish)
        }
    }

    /// output ← input ∗ weights, channel by channel.
    private func forward(input: UnsafePointer<Float>, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>) {
        let channels = shape.inputChannels
        context.threads.forEach(shape.batch * shape.outputHeight) { line in
            (output + line * shape.outputWidth * channels).update(repeating: 0, count: shape.outputWidth * channels)
            forEachTap(line: line) { pixel, inputPixel, tap in
                let target = output + pixel &* channels
                let values = input + inputPixel &* channels
                let filter = weights + tap &* channels
                for channel in 0..<channels { target[channel] += values[channel] * filter[channel] }
            }
        }
    }

    /// inputGradient ← the gradient of the input (+ inputGradient if `accumulates`).
    private func writeInputGradient(
        outputGradient: UnsafePointer<Float>, weights: UnsafePointer<Float>, into inputGradient: UnsafeMutablePointer<Float>,
        accumulates: Bool
    ) {
        let channels = shape.inputChannels
        let imageFloats = shape.inputHeight * shape.inputWidth * channels
        context.threads.forEach(shape.batch) { image in
            if !accumulates { (inputGradient + image * imageFloats).update(repeating: 0, count: imageFloats) }
            for row in 0..<shape.outputHeight {
                forEachTap(line: image * shape.outputHeight + row) { pixel, inputPixel, tap in
                    let target = inputGradient + inputPixel &* channels
                    let gradients = outputGradient + pixel &* channels
                    let filter = weights + tap &* channels
                    for channel in 0..<channels { target[channel] += gradients[channel] * filter[channel] }
                }
            }
        }
    }

    /// weightGradient += the gradient of the weights. Each image has its own sums, which are added in order.
    private func addWeightGradient(
        input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, to weightGradient: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.inputChannels
        let count = shape.kernel * shape.kernel * channels
        context.buffers.withScratch(shape.batch * count) { sums in
            context.threads.forEach(shape.batch) { image in
                let sum = sums + image * count
                sum.update(repeating: 0, count: count)
                for row in 0..<shape.outputHeight {
                    forEachTap(line: image * shape.outputHeight + row) { pixel, inputPixel, tap in
                        let target = sum + tap &* channels
                        let values = input + inputPixel &* channels
                        let gradients = outputGradient + pixel &* channels
                        for channel in 0..<channels { target[channel] += values[channel] * gradients[channel] }
                    }
                }
            }
            for image in 0..<shape.batch {
                Elementwise.add(UnsafePointer(sums) + image * count, to: weightGradient, count: count)
            }
        }
    }

    /// Calls `body(output pixel, input pixel, kernel position)` for every pair inside the image, for one row of output pixels.
    @inline(__always)
    private func forEachTap(line: Int, _ body: (Int, Int, Int) -> Void) {
        let (image, row) = (line / shape.outputHeight, line % shape.outputHeight)
        let top = row &* shape.stride &- shape.padding
        for column in 0..<shape.outputWidth {
            let left = column &* shape.stride &- shape.padding
            for kernelRow in max(0, -top)..<min(shape.kernel, shape.inputHeight &- top) {
                for kernelColumn in max(0, -left)..<min(shape.kernel, shape.inputWidth &- left) {
                    let inputPixel =
                        (image &* shape.inputHeight &+ top &+ kernelRow) &* shape.inputWidth &+ left &+ kernelColumn
                    body(line &* shape.outputWidth &+ column, inputPixel, kernelRow &* shape.kernel &+ kernelColumn)
                }
            }
        }
    }
}
