/// Pooling of NHWC images.
public enum Pooling {
    /// output ← the maximum of each window; `positions` ← which element of the window it was (row · kernel + column), for the
    /// backward pass. Padding never wins. The first of equal maxima is taken, as PyTorch does.
    public static func maximum(
        _ shape: ConvolutionShape, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
        positions: UnsafeMutablePointer<UInt8>?
    ) {
        let channels = shape.inputChannels
        let (height, width) = (shape.outputHeight, shape.outputWidth)
        Parallel.forEach(shape.batch * height) { line in
            let (image, row) = (line / height, line % height)
            for column in 0..<width {
                let pixel = line &* width &+ column
                let best = output + pixel &* channels
                best.update(repeating: -.infinity, count: channels)
                let winner = positions.map { $0 + pixel &* channels }
                forEachWindowElement(shape, image: image, row: row, column: column) { offset, position in
                    takeLarger(input + offset, position, best, winner, channels)
                }
            }
        }
    }

    /// inputGradient ← the gradient of the input of `maximum`.
    public static func maximumInputGradient(
        _ shape: ConvolutionShape, outputGradient: UnsafePointer<Float>, positions: UnsafePointer<UInt8>,
        inputGradient: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.inputChannels
        let imageFloats = shape.inputHeight * shape.inputWidth * channels
        let (height, width) = (shape.outputHeight, shape.outputWidth)
        Parallel.forEach(shape.batch) { image in
            (inputGradient + image * imageFloats).update(repeating: 0, count: imageFloats)
            for row in 0..<height {
                for column in 0..<width {
                    let pixel = (image &* height &+ row) &* width &+ column
                    let gradients = outputGradient + pixel &* channels
                    let winner = positions + pixel &* channels
                    forEachWindowElement(shape, image: image, row: row, column: column) { offset, position in
                        let target = inputGradient + offset
                        for channel in 0..<channels {
                            target[channel] += winner[channel] == position ? gradients[channel] : 0
                        }
                    }
                }
            }
        }
    }

    /// output[n, c] ← the mean of input[n, ·, ·, c].
    public static func globalAverage(
        _ input: UnsafePointer<Float>, batch: Int, pixels: Int, channels: Int, output: UnsafeMutablePointer<Float>
    ) {
        let factor = 1 / Float(pixels)
        Parallel.forEach(batch) { image in
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
        inputGradient: UnsafeMutablePointer<Float>
    ) {
        let factor = 1 / Float(pixels)
        Parallel.forEach(batch) { image in
            let gradients = outputGradient + image * channels
            for pixel in 0..<pixels {
                let target = inputGradient + (image &* pixels &+ pixel) &* channels
                for channel in 0..<channels { target[channel] = gradients[channel] * factor }
            }
        }
    }

    @inline(__always)
    private static func takeLarger(
        _ values: UnsafePointer<Float>, _ position: UInt8, _ best: UnsafeMutablePointer<Float>,
        _ winner: UnsafeMutablePointer<UInt8>?, _ channels: Int
    ) {
        guard let winner else {
            for channel in 0..<channels { best[channel] = values[channel] > best[channel] ? values[channel] : best[channel] }
            return
        }
        for channel in 0..<channels {
            let larger = values[channel] > best[channel]
            best[channel] = larger ? values[channel] : best[channel]
            winner[channel] = larger ? position : winner[channel]
        }
    }

    /// Calls `body(offset of the pixel in the input, position in the window)` for the elements that lie inside the image.
    @inline(__always)
    private static func forEachWindowElement(
        _ shape: ConvolutionShape, image: Int, row: Int, column: Int, _ body: (Int, UInt8) -> Void
    ) {
        let top = row &* shape.stride &- shape.padding
        let left = column &* shape.stride &- shape.padding
        for kernelRow in max(0, -top)..<min(shape.kernel, shape.inputHeight &- top) {
            for kernelColumn in max(0, -left)..<min(shape.kernel, shape.inputWidth &- left) {
                let pixel = (image &* shape.inputHeight &+ top &+ kernelRow) &* shape.inputWidth &+ left &+ kernelColumn
                body(pixel &* shape.inputChannels, UInt8(truncatingIfNeeded: kernelRow &* shape.kernel &+ kernelColumn))
            }
        }
    }
}
