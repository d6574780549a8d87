/// Depthwise convolutions (one filter a channel) of NHWC images, computed directly: they do too little arithmetic for a matrix
/// product to pay. Weights are [kernel row, kernel column, channel].
public enum DepthwiseConvolution: StoredConvolution {
    /// output ← input ∗ weights, channel by channel.
    public static func forward(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>, weights: UnsafePointer<Float>,
        output: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.inputChannels
        Parallel.forEach(shape.batch * shape.outputHeight) { line in
            (output + line * shape.outputWidth * channels).update(repeating: 0, count: shape.outputWidth * channels)
            forEachTap(shape, line: line) { pixel, inputPixel, tap in
                let target = output + pixel &* channels
                let values = input + inputPixel &* channels
                let filter = weights + tap &* channels
                for channel in 0..<channels { target[channel] += values[channel] * filter[channel] }
            }
        }
    }

    static func blocks(_ shape: ConvolutionShape) -> RowBlocks {
        RowBlocks(images: shape.batch, rowsPerImage: shape.outputHeight * shape.outputWidth)
    }

    static func preparedCount(_ shape: ConvolutionShape) -> Int { shape.patchLength }

    static func prepare(_ shape: ConvolutionShape, _ weights: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        prepared.update(from: weights, count: preparedCount(shape))
    }

    static func forward(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>, prepared: UnsafePointer<Float>,
        output: UnsafeMutablePointer<Float>, finish: BlockFinisher
    ) {
        forward(shape, input: input, weights: prepared, output: output)
        blocks(shape).forEach { finish($0, $1, 0..<shape.outputChannels) }
    }

    /// inputGradient ← the gradient of the input (+ inputGradient where `accumulate`).
    public static func inputGradient(
        _ shape: ConvolutionShape, outputGradient: UnsafePointer<Float>, weights: UnsafePointer<Float>,
        inputGradient: UnsafeMutablePointer<Float>, accumulate: Bool = false
    ) {
        let channels = shape.inputChannels
        let imageFloats = shape.inputHeight * shape.inputWidth * channels
        Parallel.forEach(shape.batch) { image in
            if !accumulate { (inputGradient + image * imageFloats).update(repeating: 0, count: imageFloats) }
            for row in 0..<shape.outputHeight {
                forEachTap(shape, line: image * shape.outputHeight + row) { pixel, inputPixel, tap in
                    let target = inputGradient + inputPixel &* channels
                    let gradients = outputGradient + pixel &* channels
                    let filter = weights + tap &* channels
                    for channel in 0..<channels { target[channel] += gradients[channel] * filter[channel] }
                }
            }
        }
    }

    /// weightGradient ← weightGradient + the gradient of the weights. Each image has sums of its own, added in order.
    public static func addWeightGradient(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
        weightGradient: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.inputChannels
        let count = shape.kernel * shape.kernel * channels
        BufferPool.withScratch(shape.batch * count) { sums in
            Parallel.forEach(shape.batch) { image in
                let sum = sums + image * count
                sum.update(repeating: 0, count: count)
                for row in 0..<shape.outputHeight {
                    forEachTap(shape, line: image * shape.outputHeight + row) { pixel, inputPixel, tap in
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

    /// Calls `body(output pixel, input pixel, kernel position)` for every pair inside the image, for one line of output pixels.
    @inline(__always)
    private static func forEachTap(_ shape: ConvolutionShape, line: Int, _ body: (Int, Int, Int) -> Void) {
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
