/// A batch normalisation of one pass with the activation behind it, as factors for each channel: activation(x · scale + shift (+
/// residual)), and its backward pass. Matrices are [pixels × channels]. Functions that take rows run on the calling thread.
///
/// The normalised values need not be in memory: a reader computes them from the convolution's output x, a few rows at a time.
public final class ChannelNormalization {
    public let channels: Int
    public let activation: ActivationFunction
    public let scale: UnsafeMutablePointer<Float>
    public let shift: UnsafeMutablePointer<Float>
    public let mean: UnsafeMutablePointer<Float>
    /// The gradient of x is g · gradientFactor + x · inputFactor + constant, with g the gradient behind the activation.
    public let gradientFactor: UnsafeMutablePointer<Float>
    public let inputFactor: UnsafeMutablePointer<Float>
    public let constant: UnsafeMutablePointer<Float>

    /// All factors are zero at first.
    public init(channels: Int, activation: ActivationFunction) {
        self.channels = channels
        self.activation = activation
        let memory = UnsafeMutablePointer<Float>.allocate(capacity: 6 * channels)
        memory.initialize(repeating: 0, count: 6 * channels)
        (scale, shift, mean) = (memory, memory + channels, memory + 2 * channels)
        (gradientFactor, inputFactor, constant) = (memory + 3 * channels, memory + 4 * channels, memory + 5 * channels)
    }

    deinit { scale.deallocate() }

    // MARK: - Forward

    /// output ← activation(input · scale + shift (+ residual)), for `count` rows. `output` overlaps neither.
    public func apply(
        _ input: UnsafePointer<Float>, count: Int, residual: UnsafePointer<Float>? = nil, into output: UnsafeMutablePointer<Float>
    ) {
        let (low, high) = activation.bounds
        let (channels, scale, shift) = (channels, scale, shift)
        for row in 0..<count {
            let values = input + row &* channels
            let results = output + row &* channels
            if let residual {
                let added = residual + row &* channels
                for channel in 0..<channels {
                    results[channel] = clamp(values[channel] * scale[channel] + shift[channel] + added[channel], low, high)
                }
            } else {
                for channel in 0..<channels {
                    results[channel] = clamp(values[channel] * scale[channel] + shift[channel], low, high)
                }
            }
        }
    }

    /// values ← activation(values · scale + shift (+ residual)), for these rows of a matrix and some of its channels. Apart from `apply`,
    /// since a loop whose input and output may overlap runs without vectors when they do.
    public func applyInPlace(
        _ matrix: UnsafeMutablePointer<Float>, rows: Range<Int>, channels part: Range<Int>, residual: UnsafePointer<Float>?
    ) {
        let (low, high) = activation.bounds
        let (channels, scale, shift) = (part.count, scale + part.lowerBound, shift + part.lowerBound)
        for row in rows {
            let offset = row &* self.channels &+ part.lowerBound
            let values = matrix + offset
            if let residual {
                let added = residual + offset
                for channel in 0..<channels {
                    values[channel] = clamp(values[channel] * scale[channel] + shift[channel] + added[channel], low, high)
                }
            } else {
                for channel in 0..<channels {
                    values[channel] = clamp(values[channel] * scale[channel] + shift[channel], low, high)
                }
            }
        }
    }

    /// The same for all of `count` rows, in parallel.
    public func applyInParallel(
        _ input: UnsafePointer<Float>, count: Int, residual: Rows? = nil, into output: UnsafeMutablePointer<Float>,
        _ context: KernelContext
    ) {
        let channels = channels
        context.threads.forEachBlock(count, blockSize: Rows.blockSize) { rows in
            let offset = rows.lowerBound * channels
            guard let residual else {
                apply(input + offset, count: rows.count, into: output + offset)
                return
            }
            residual.withRows(rows, channels: channels, context) {
                apply(input + offset, count: rows.count, residual: $0, into: output + offset)
            }
        }
    }

    // MARK: - Backward

    /// Adds Σ g and Σ g · (x − mean) of the rows to `sums`: g is the gradient where the activation passed it, else 0.
    ///
    /// - Parameter output: the normalised values where they were written out (with a residual they cannot be computed from x).
    public func addGradientSums(
        _ slot: Int, _ rows: Range<Int>, gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
        output: UnsafePointer<Float>?, to sums: ChannelSums
    ) {
        let (low, high) = activation.bounds
        let (channels, scale, shift, mean) = (channels, scale, shift, mean)
        sums.add(slot, rows, 0..<channels) { row, first, second in
            let gradients = gradient + row &* channels
            let values = input + row &* channels
            if let output {
                let results = output + row &* channels
                for channel in 0..<channels {
                    let result = results[channel]
                    let passed = result > low && result < high ? gradients[channel] : 0
                    first[channel] += passed
                    second[channel] += passed * (values[channel] - mean[channel])
                }
            } else {
                for channel in 0..<channels {
                    let value = values[channel]
                    let result = value * scale[channel] + shift[channel]
                    let passed = result > low && result < high ? gradients[channel] : 0
                    first[channel] += passed
                    second[channel] += passed * (value - mean[channel])
                }
            }
        }
    }

    /// result ← the gradient of x, for `count` rows. With `output`, `gradient` is overwritten with g, which is the residual's gradient.
    public func inputGradient(
        gradient: UnsafeMutablePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>?, count: Int,
        into result: UnsafeMutablePointer<Float>
    ) {
        let (low, high) = activation.bounds
        let (channels, scale, shift) = (channels, scale, shift)
        let (gradientFactor, inputFactor, constant) = (gradientFactor, inputFactor, constant)
        for row in 0..<count {
            let gradients = gradient + row &* channels
            let values = input + row &* channels
            let results = result + row &* channels
            if let output {
                let outputs = output + row &* channels
                for channel in 0..<channels {
                    let passed = outputs[channel] > low && outputs[channel] < high ? gradients[channel] : 0
                    gradients[channel] = passed
                    results[channel] =
                        passed * gradientFactor[channel] + values[channel] * inputFactor[channel] + constant[channel]
                }
            } else {
                for channel in 0..<channels {
                    let value = values[channel]
                    let normalized = value * scale[channel] + shift[channel]
                    let passed = normalized > low && normalized < high ? gradients[channel] : 0
                    results[channel] = passed * gradientFactor[channel] + value * inputFactor[channel] + constant[channel]
                }
            }
        }
    }
}

@inline(__always)
private func clamp(_ value: Float, _ low: Float, _ high: Float) -> Float {
    let raised = value > low ? value : low
    return raised < high ? raised : high
}
