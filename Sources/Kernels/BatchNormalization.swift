/// Batch normalisation over the rows of a [rows × channels] matrix (NHWC images with their pixels as rows), fused with a residual
/// addition and an activation. Ioffe and Szegedy, "Batch normalization", ICML 2015.
public enum BatchNormalization {
    /// Rows that one task handles. Fixed, so that sums do not depend on the number of threads.
    private static let blockRows = 512
    /// Rows of one image summed in single precision before they are added to the double-precision sums of the block. Runs begin anew
    /// with each image, so that what an image adds does not depend on the images before it: sums over ranks then have the same bits
    /// however the batch is split, but for the last bits of a double.
    private static let runRows = 64

    /// sums ← Σ x, then Σ x², of each channel over all rows: 2 × channels doubles, overwritten.
    public static func sums(
        _ input: UnsafePointer<Float>, images: Int, rowsPerImage: Int, channels: Int,
        into sums: UnsafeMutablePointer<Double>
    ) {
        reduce(images: images, rowsPerImage: rowsPerImage, channels: channels, into: sums) { range, first, second in
            for row in range {
                let values = input + row &* channels
                for channel in 0..<channels {
                    let value = values[channel]
                    first[channel] += value
                    second[channel] += value * value
                }
            }
        }
    }

    /// output ← activation(input · scale + shift (+ residual)). `output` may be `input` or `residual`.
    public static func normalize(
        _ input: UnsafePointer<Float>, rows: Int, channels: Int, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
        residual: UnsafePointer<Float>?, activation: Activation, output: UnsafeMutablePointer<Float>
    ) {
        let (low, high) = activation.bounds
        Parallel.forEachBlock(rows, blockSize: blockRows) { range in
            for row in range {
                let values = input + row &* channels
                let results = output + row &* channels
                if let residual {
                    let added = residual + row &* channels
                    for channel in 0..<channels {
                        let value = values[channel] * scale[channel] + shift[channel] + added[channel]
                        results[channel] = clamp(value, low, high)
                    }
                } else {
                    for channel in 0..<channels {
                        results[channel] = clamp(values[channel] * scale[channel] + shift[channel], low, high)
                    }
                }
            }
        }
    }

    /// gradient ← gradient where the activation passed it, else 0 (in place), and
    /// sums ← Σ gradient, then Σ gradient · (input − mean), of each channel.
    public static func backwardSums(
        outputGradient gradient: UnsafeMutablePointer<Float>, output: UnsafePointer<Float>, input: UnsafePointer<Float>,
        images: Int, rowsPerImage: Int, channels: Int, mean: UnsafePointer<Float>, activation: Activation,
        into sums: UnsafeMutablePointer<Double>
    ) {
        let (low, high) = activation.bounds
        reduce(images: images, rowsPerImage: rowsPerImage, channels: channels, into: sums) { range, first, second in
            for row in range {
                let gradients = gradient + row &* channels
                let values = input + row &* channels
                let outputs = output + row &* channels
                for channel in 0..<channels {
                    let result = outputs[channel]
                    let passed = result > low && result < high ? gradients[channel] : 0
                    gradients[channel] = passed
                    first[channel] += passed
                    second[channel] += passed * (values[channel] - mean[channel])
                }
            }
        }
    }

    /// result ← gradient · gradientFactor + input · inputFactor + constant, each per channel: the last step of the backward pass.
    /// `result` may be `input`.
    public static func backwardApply(
        _ gradient: UnsafePointer<Float>, _ input: UnsafePointer<Float>, rows: Int, channels: Int,
        gradientFactor: UnsafePointer<Float>, inputFactor: UnsafePointer<Float>, constant: UnsafePointer<Float>,
        result: UnsafeMutablePointer<Float>
    ) {
        Parallel.forEachBlock(rows, blockSize: blockRows) { range in
            for row in range {
                let gradients = gradient + row &* channels
                let values = input + row &* channels
                let results = result + row &* channels
                for channel in 0..<channels {
                    results[channel] =
                        gradients[channel] * gradientFactor[channel] + values[channel] * inputFactor[channel]
                        + constant[channel]
                }
            }
        }
    }

    @inline(__always)
    private static func clamp(_ value: Float, _ low: Float, _ high: Float) -> Float {
        let raised = value > low ? value : low
        return raised < high ? raised : high
    }

    /// Adds up two numbers a channel over all rows: `add(rows, first sums, second sums)` is called on runs of rows of one image, with
    /// zeroed single-precision sums, which go into double-precision ones after each run.
    @inline(__always)
    private static func reduce(
        images: Int, rowsPerImage: Int, channels: Int, into sums: UnsafeMutablePointer<Double>,
        _ add: (Range<Int>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        let runsPerImage = (rowsPerImage + runRows - 1) / runRows
        let runsPerBlock = max(1, blockRows / max(1, min(rowsPerImage, runRows)))
        let runCount = images * runsPerImage
        let blockCount = (runCount + runsPerBlock - 1) / runsPerBlock
        let width = 2 * channels
        sums.update(repeating: 0, count: width)
        let partials = UnsafeMutablePointer<Double>.allocate(capacity: max(1, blockCount * width))
        defer { partials.deallocate() }
        Parallel.forEach(blockCount) { block in
            let partial = partials + block * width
            partial.update(repeating: 0, count: width)
            BufferPool.withScratch(width) { run in
                for number in block * runsPerBlock..<min((block + 1) * runsPerBlock, runCount) {
                    let (image, part) = (number / runsPerImage, number % runsPerImage)
                    let start = image * rowsPerImage + part * runRows
                    run.update(repeating: 0, count: width)
                    add(start..<min(start + runRows, (image + 1) * rowsPerImage), run, run + channels)
                    for index in 0..<width { partial[index] += Double(run[index]) }
                }
            }
        }
        for block in 0..<blockCount {
            let partial = partials + block * width
            for index in 0..<width { sums[index] += partial[index] }
        }
    }
}
