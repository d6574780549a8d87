/// The function of a gate, from any number to [0, 1].
public enum GateFunction: Sendable {
    /// 1 / (1 + exp(−x)), as in EfficientNet.
    case logistic
    /// min(max(x + 3, 0), 6) / 6, as in MobileNetV3.
    case hardLogistic
}

/// Gates that multiply each channel of an image: the last step of squeeze-and-excitation (Hu et al., CVPR 2018). Images are NHWC; gates and
/// scores are [images × channels].
public enum ChannelGates {
    /// gates ← function(scores).
    public static func gates(
        _ function: GateFunction, scores: UnsafePointer<Float>, count: Int, into gates: UnsafeMutablePointer<Float>
    ) {
        switch function {
        case .logistic: for index in 0..<count { gates[index] = logistic(scores[index]) }
        case .hardLogistic: for index in 0..<count { gates[index] = hardLogistic(scores[index]) }
        }
    }

    /// gradient ← gradient · the derivative of the function at `scores`.
    public static func multiplyGradient(
        _ function: GateFunction, _ gradient: UnsafeMutablePointer<Float>, scores: UnsafePointer<Float>, count: Int
    ) {
        switch function {
        case .logistic:
            for index in 0..<count {
                let gate = logistic(scores[index])
                gradient[index] *= gate * (1 - gate)
            }
        case .hardLogistic:
            for index in 0..<count { gradient[index] *= abs(scores[index]) < 3 ? Float(1.0 / 6) : 0 }
        }
    }

    /// output ← input · gates. `output` can be `input`.
    public static func scale(
        _ input: UnsafePointer<Float>, batch: Int, pixels: Int, channels: Int, by gates: UnsafePointer<Float>,
        into output: UnsafeMutablePointer<Float>, _ context: KernelContext
    ) {
        context.threads.forEachBand(images: batch, rows: pixels, bandRows: Rows.blockSize) { image, rows in
            let factors = gates + image * channels
            for row in rows {
                let offset = (image &* pixels &+ row) &* channels
                let (values, results) = (input + offset, output + offset)
                for channel in 0..<channels { results[channel] = values[channel] * factors[channel] }
            }
        }
    }

    /// gateGradient ← Σ over the pixels of an image of gradient · input.
    public static func gateGradient(
        _ gradient: UnsafePointer<Float>, input: Rows, batch: Int, pixels: Int, channels: Int,
        into gateGradient: UnsafeMutablePointer<Float>, _ context: KernelContext
    ) {
        context.threads.forEach(batch) { image in
            let sums = gateGradient + image * channels
            sums.update(repeating: 0, count: channels)
            for start in stride(from: 0, to: pixels, by: Rows.blockSize) {
                let first = image * pixels + start
                let rows = first..<first + min(Rows.blockSize, pixels - start)
                input.withRows(rows, channels: channels, context) { block in
                    for row in 0..<rows.count {
                        let values = block + row &* channels
                        let gradients = gradient + (first &+ row) &* channels
                        for channel in 0..<channels { sums[channel] += values[channel] * gradients[channel] }
                    }
                }
            }
        }
    }

    /// gradient ← gradient · gates + meanGradient / pixels: the gradient of the input, through the product and through the mean over the
    /// pixels that the gates come from.
    public static func inputGradient(
        _ gradient: UnsafeMutablePointer<Float>, batch: Int, pixels: Int, channels: Int, gates: UnsafePointer<Float>,
        meanGradient: UnsafePointer<Float>, _ context: KernelContext
    ) {
        let factor = 1 / Float(pixels)
        context.threads.forEachBand(images: batch, rows: pixels, bandRows: Rows.blockSize) { image, rows in
            let (factors, means) = (gates + image * channels, meanGradient + image * channels)
            for row in rows {
                let gradients = gradient + (image &* pixels &+ row) &* channels
                for channel in 0..<channels { gradients[channel] = gradients[channel] * factors[channel] + means[channel] * factor }
            }
        }
    }
}
