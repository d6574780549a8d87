/// One pass of a batch normalisation and the activation after it, reduced to factors per channel: activation(x · scale + shift (+
/// residual)), with its backward pass. Matrices are [pixels × channels]. Functions that take rows run on the calling thread.
///
/// The normalised values need not be in memory. A reader can compute them from the convolution's output x, a few rows at a time.
public final class ChannelNormalization {
    /// The number of channels.
    public let channels: Int
    /// The activation after the normalisation.
    public let activation: ActivationFunction
    /// The factor of x for each channel.
    public let scale: UnsafeMutablePointer<Float>
    /// The addend for each channel.
    public let shift: UnsafeMutablePointer<Float>
    /// The mean of x for each channel, which `addGradientSums` subtracts.
    public let mean: UnsafeMutablePointer<Float>
    /// The factor of g for each channel. The gradient of x is g · gradientFactor + x · inputFactor + constant, with g the gradient after
    /// the activation.
    public let gradientFactor: UnsafeMutablePointer<Float>
    /// The factor of x in the gradient of x, for each channel.
    public let inputFactor: UnsafeMutablePointer<Float>
    /// The addend in the gradient of x, for each channel.
    public let constant: UnsafeMutablePointer<Float>

    /// Creates a normalisation with all factors zero.
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

    /// output ← activation(input · scale + shift) for `rows` of a matrix.
    public func apply(_ input: StoredMatrix, rows: Range<Int>, residual: UnsafePointer<Float>? = nil, into output: UnsafeMutablePointer<Float>) {
        let offset = rows.lowerBound &* channels
        switch input {
        case .float32(let values): apply(UnsafePointer(values) + offset, count: rows.count, residual: residual, into: output)
        case .bfloat16(let values): apply(UnsafePointer(values) + offset, count: rows.count, residual: residual, into: output)
        }
    }

    /// output ← activation(input · scale + shift (+ residual)) for `count` rows. `output` must overlap neither `input` nor `residual`.
    func apply<Number: StoredNumber>(
        _ input: UnsafePointer<Number>, count: Int, residual: UnsafePointer<Float>? = nil, into output: UnsafeMutablePointer<Float>
    ) {
        guard activation.isLimit else {
            precondition(residual == nil, "no residual is added before this activation")
            return applyGated(input, count: count, into: output)
        }
        let (low, high) = activation.bounds
        let (channels, scale, shift) = (channels, scale, shift)
        for row in 0..<count {
            let values = input + row &* channels
            let results = output + row &* channels
            if let residual {
                let added = residual + row &* channels
                for channel in 0..<channels {
                    results[channel] = clamp(values[channel].float * scale[channel] + shift[channel] + added[channel], low, high)
                }
            } else {
                for channel in 0..<channels {
                    results[channel] = clamp(values[channel].float * scale[channel] + shift[channel], low, high)
                }
            }
        }
    }

    /// values ← activation(values · scale + shift (+ residual)) for these rows of a matrix and some of its channels. Separate from `apply`:
    /// a loop whose input and output can overlap does not vectorise when they do.
    public func applyInPlace(
        _ matrix: UnsafeMutablePointer<Float>, rows: Range<Int>, channels part: Range<Int>, residual: UnsafePointer<Float>?
    ) {
        guard activation.isLimit else {
            precondition(residual == nil, "no residual is added before this activation")
            return applyGatedInPlace(matrix, rows: rows, channels: part)
        }
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

    /// Applies the normalisation in parallel to all of `count` rows.
    public func applyInParallel(_ input: StoredMatrix, count: Int, residual: Rows? = nil, into output: StoredMatrix, _ context: KernelContext) {
        let channels = channels
        context.threads.forEachBlock(count, blockSize: Rows.blockSize) { rows in
            func apply(_ residual: UnsafePointer<Float>?) {
                switch output {
                case .float32(let values): self.apply(input, rows: rows, residual: residual, into: values + rows.lowerBound * channels)
                case .bfloat16(let values):
                    context.buffers.withScratch(rows.count * channels) {
                        self.apply(input, rows: rows, residual: residual, into: $0)
                        BFloat16.round($0, count: rows.count * channels, into: values + rows.lowerBound * channels)
                    }
                }
            }
            guard let residual else { return apply(nil) }
            residual.withRows(rows, channels: channels, context) { apply($0) }
        }
    }

    // MARK: - Backward

    /// Adds Σ g and Σ g · (x − mean) of the rows to `sums`. g is the gradient where the activation passes it, else 0.
    ///
    /// - Parameters:
    ///   - slot: the part of `sums` to add to.
    ///   - rows: of the matrices `gradient` and `input`, [rows × channels].
    ///   - gradient: dL/dy, of the output of the activation.
    ///   - input: x.
    ///   - output: the normalised values if they are in memory, in the precision of `input`. This is required with a residual, as they
    ///     cannot be computed from x.
    ///   - sums: receives the two sums of each channel.
    public func addGradientSums(
        _ slot: Int, _ rows: Range<Int>, gradient: UnsafePointer<Float>, input: StoredMatrix, output: StoredMatrix?, to sums: ChannelSums
    ) {
        switch (input, output) {
        case (.float32(let input), .float32(let output)):
            addGradientSums(slot, rows, gradient, UnsafePointer(input), UnsafePointer(output), to: sums)
        case (.bfloat16(let input), .bfloat16(let output)):
            addGradientSums(slot, rows, gradient, UnsafePointer(input), UnsafePointer(output), to: sums)
        case (.float32(let input), nil): addGradientSums(slot, rows, gradient, UnsafePointer(input), nil, to: sums)
        case (.bfloat16(let input), nil): addGradientSums(slot, rows, gradient, UnsafePointer(input), nil, to: sums)
        case (.float32, .bfloat16), (.bfloat16, .float32): preconditionFailure("input and output have one precision")
        }
    }

    private func addGradientSums<Number: StoredNumber>(
        _ slot: Int, _ rows: Range<Int>, _ gradient: UnsafePointer<Float>, _ input: UnsafePointer<Number>, _ output: UnsafePointer<Number>?,
        to sums: ChannelSums
    ) {
        guard activation.isLimit else {
            precondition(output == nil, "no residual is added before this activation")
            return addGatedGradientSums(slot, rows, gradient: gradient, input: input, to: sums)
        }
        let (low, high) = activation.bounds
        let (channels, scale, shift, mean) = (channels, scale, shift, mean)
        sums.add(slot, rows, 0..<channels) { row, first, second in
            let gradients = gradient + row &* channels
            let values = input + row &* channels
            if let output {
                let results = output + row &* channels
                for channel in 0..<channels {
                    let result = results[channel].float
                    let passed = result > low && result < high ? gradients[channel] : 0
                    first[channel] += passed
                    second[channel] += passed * (values[channel].float - mean[channel])
                }
            } else {
                for channel in 0..<channels {
                    let value = values[channel].float
                    let result = value * scale[channel] + shift[channel]
                    let passed = result > low && result < high ? gradients[channel] : 0
                    first[channel] += passed
                    second[channel] += passed * (value - mean[channel])
                }
            }
        }
    }

    /// result ← the gradient of x for `rows` of the matrices. With `output`, overwrites `gradient` with g, which is the gradient of the
    /// residual.
    public func inputGradient(
        gradient: UnsafeMutablePointer<Float>, input: StoredMatrix, output: StoredMatrix?, rows: Range<Int>,
        into result: UnsafeMutablePointer<Float>
    ) {
        let offset = rows.lowerBound &* channels
        let (gradient, count) = (gradient + offset, rows.count)
        switch (input, output) {
        case (.float32(let input), .float32(let output)):
            inputGradient(gradient, UnsafePointer(input) + offset, UnsafePointer(output) + offset, count: count, into: result)
        case (.bfloat16(let input), .bfloat16(let output)):
            inputGradient(gradient, UnsafePointer(input) + offset, UnsafePointer(output) + offset, count: count, into: result)
        case (.float32(let input), nil): inputGradient(gradient, UnsafePointer(input) + offset, nil, count: count, into: result)
        case (.bfloat16(let input), nil): inputGradient(gradient, UnsafePointer(input) + offset, nil, count: count, into: result)
        case (.float32, .bfloat16), (.bfloat16, .float32): preconditionFailure("input and output have one precision")
        }
    }

    private func inputGradient<Number: StoredNumber>(
        _ gradient: UnsafeMutablePointer<Float>, _ input: UnsafePointer<Number>, _ output: UnsafePointer<Number>?, count: Int,
        into result: UnsafeMutablePointer<Float>
    ) {
        guard activation.isLimit else {
            precondition(output == nil, "no residual is added before this activation")
            return gatedInputGradient(gradient: gradient, input: input, count: count, into: result)
        }
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
                    let passed = outputs[channel].float > low && outputs[channel].float < high ? gradients[channel] : 0
                    gradients[channel] = passed
                    results[channel] =
                        passed * gradientFactor[channel] + values[channel].float * inputFactor[channel] + constant[channel]
                }
            } else {
                for channel in 0..<channels {
                    let value = values[channel].float
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
