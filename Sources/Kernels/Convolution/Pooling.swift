/// Pooling of NHWC images.
public enum Pooling {
    /// Rows of the output that one task computes.
    private static let bandRows = 8

    /// output ← the maximum of each window. `positions` ← the position of the maximum in the window (row · kernel + column), for the
    /// backward pass. Padding never wins. Among equal maxima the first is taken, as in PyTorch.
    public static func maximum(
        _ shape: ConvolutionShape, input: Rows, output: UnsafeMutablePointer<Float>, positions: UnsafeMutablePointer<UInt8>?,
        _ context: KernelContext
    ) {
        context.threads.forEachBand(images: shape.batch, rows: shape.outputHeight, bandRows: bandRows) { image, outputRows in
            let inputRows =
                max(
                    0, outputRows.lowerBound * shape.stride - shape.padding)..<min(
                    shape.inputHeight, (outputRows.upperBound - 1) * shape.stride - shape.padding + shape.kernel)
            let start = image * shape.inputHeight
            let pixels = (start + inputRows.lowerBound) * shape.inputWidth..<(start + inputRows.upperBound) * shape.inputWidth
            input.withRows(pixels, channels: shape.inputChannels, context) {
                // The address of the image's first row, so that offsets are the same in every band.
                let values = $0 - inputRows.lowerBound * shape.inputWidth * shape.inputChannels
                for row in outputRows {
                    let pixel = (image * shape.outputHeight + row) * shape.outputWidth
                    let offset = pixel * shape.inputChannels
                    maximum(shape, row: row, values, output + offset, positions.map { $0 + offset }, context.buffers)
                }
            }
        }
    }

    /// Computes one row of the output.
    private static func maximum(
        _ shape: ConvolutionShape, row: Int, _ image: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
        _ positions: UnsafeMutablePointer<UInt8>?, _ buffers: BufferPool
    ) {
        let channels = shape.inputChannels
        output.update(repeating: -.infinity, count: shape.outputWidth * channels)
        guard let positions else {
            for column in 0..<shape.outputWidth {
                let best = output + column &* channels
                forEachWindowElement(shape, row: row, column: column) { offset, _ in
                    let values = image + offset
                    for channel in 0..<channels { best[channel] = values[channel] > best[channel] ? values[channel] : best[channel] }
                }
            }
            return
        }
        // The positions of one pixel's maxima, as floats. Comparisons and selections then use vectors of one type.
        buffers.withScratch(channels) { winners in
            for column in 0..<shape.outputWidth {
                winners.update(repeating: 0, count: channels)
                forEachWindowElement(shape, row: row, column: column) { offset, position in
                    takeLarger(image + offset, Float(position), output + column &* channels, winners, channels)
                }
                let winner = positions + column &* channels
                for channel in 0..<channels { winner[channel] = UInt8(truncatingIfNeeded: Int32(winners[channel])) }
            }
        }
    }

    /// inputGradient ← the gradient of the input of `maximum`. Calls `finish` for each complete image, with the image's number as the slot.
    public static func maximumInputGradient(
        _ shape: ConvolutionShape, outputGradient: UnsafePointer<Float>, positions: UnsafePointer<UInt8>,
        inputGradient: UnsafeMutablePointer<Float>, _ context: KernelContext, finish: RowFinisher
    ) {
        let channels = shape.inputChannels
        let pixels = shape.inputHeight * shape.inputWidth
        let (height, width) = (shape.outputHeight, shape.outputWidth)
        context.threads.forEach(shape.batch) { image in
            let target = inputGradient + image * pixels * channels
            target.update(repeating: 0, count: pixels * channels)
            for row in 0..<height {
                for column in 0..<width {
                    let pixel = (image &* height &+ row) &* width &+ column
                    let gradients = outputGradient + pixel &* channels
                    let winner = positions + pixel &* channels
                    forEachWindowElement(shape, row: row, column: column) { offset, position in
                        let target = target + offset
                        for channel in 0..<channels {
                            target[channel] += winner[channel] == position ? gradients[channel] : 0
                        }
                    }
                }
            }
            finish(image, image * pixels..<(image + 1) * pixels)
        }
    }

    /// output[n, c] ← the mean of input[n, ·, ·, c].
    public static func globalAverage(
        _ input: UnsafePointer<Float>, batch: Int, pixels: Int, channels: Int, output: UnsafeMutablePointer<Float>,
        _ context: KernelContext
    ) {
        let factor = 1 / Float(pixels)
        context.threads.forEach(batch) { image in
            let sums = output + image * channels
            sums.update(repeating: 0, count: channels)
            for pixel in 0..<pixels {
                Elementwise.add(input + (image &* pixels &+ pixel) &* channels, to: sums, count: channels)
            }
            for channel in 0..<channels { sums[channel] *= factor }
        }
    }

    /// inputGradient[n, ·, ·, c] ← outputGradient[n, c] / pixels.
    public static func globalAverageInputGradient(
        _ outputGradient: UnsafePointer<Float>, batch: Int, pixels: Int, channels: Int,
        inputGradient: UnsafeMutablePointer<Float>, _ context: KernelContext
    ) {
        let factor = 1 / Float(pixels)
        context.threads.forEach(batch) { image in
            let gradients = outputGradient + image * channels
            for pixel in 0..<pixels {
                let target = inputGradient + (image &* pixels &+ pixel) &* channels
                for channel in 0..<channels { target[channel] = gradients[channel] * factor }
            }
        }
    }

    @inline(__always)
    private static func takeLarger(
        _ values: UnsafePointer<Float>, _ position: Float, _ best: UnsafeMutablePointer<Float>,
        _ winners: UnsafeMutablePointer<Float>, _ channels: Int
    ) {
        for channel in 0..<channels {
            let (value, largest) = (values[channel], best[channel])
            best[channel] = value > largest ? value : largest
            winners[channel] = value > largest ? position : winners[channel]
        }
    }

    /// Calls `body(offset of the pixel in the image, position in the window)` for the window elements inside the image.
    @inline(__always)
    private static func forEachWindowElement(
        _ shape: ConvolutionShape, row: Int, column: Int, _ body: (Int, UInt8) -> Void
    ) {
        let top = row &* shape.stride &- shape.padding
        let left = column &* shape.stride &- shape.padding
        for kernelRow in max(0, -top)..<min(shape.kernel, shape.inputHeight &- top) {
            for kernelColumn in max(0, -left)..<min(shape.kernel, shape.inputWidth &- left) {
                let pixel = (top &+ kernelRow) &* shape.inputWidth &+ left &+ kernelColumn
                body(pixel &* shape.inputChannels, UInt8(truncatingIfNeeded: kernelRow &* shape.kernel &+ kernelColumn))
            }
        }
    }
}
