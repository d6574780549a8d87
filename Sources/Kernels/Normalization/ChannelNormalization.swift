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
    public func apply(
        _ input: StoredMatrix, rows: Range<Int>, residual: UnsafePointer<Float>? = nil, into output: UnsafeMutablePointer<Float>
    ) {
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
        for row in 0..<count {
            let offset = row &* channels
            Apply(
                values: input + offset, scale: scale, shift: shift, added: residual.map { $0 + offset }, low: low, high: high,
                results: output + offset
            ).run(channels)
        }
    }

    /// values ← activation(values · scale + shift (+ residual)) for these rows of a matrix and some of its channels.
    public func applyInPlace(
        _ matrix: UnsafeMutablePointer<Float>, rows: Range<Int>, channels part: Range<Int>, residual: UnsafePointer<Float>?
    ) {
        guard activation.isLimit else {
            precondition(residual == nil, "no residual is added before this activation")
            return applyGatedInPlace(matrix, rows: rows, channels: part)
        }
        let (low, high) = activation.bounds
        for row in rows {
            let offset = row &* channels &+ part.lowerBound
            Apply(
                values: UnsafePointer(matrix) + offset, scale: scale + part.lowerBound, shift: shift + part.lowerBound,
                added: residual.map { $0 + offset }, low: low, high: high, results: matrix + offset
            ).run(part.count)
        }
    }

    /// Applies the normalisation in parallel to all of `count` rows.
    public func applyInParallel(
        _ input: StoredMatrix, count: Int, residual: Rows? = nil, into output: StoredMatrix, _ context: KernelContext
    ) {
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
        switch input {
        case .float32(let values): addGradientSums(slot, rows, gradient, UnsafePointer(values), output?.floats, to: sums)
        case .bfloat16(let values): addGradientSums(slot, rows, gradient, UnsafePointer(values), output?.halves, to: sums)
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
        sums.add(slot, rows, 0..<channels) { row, first, second in
            let offset = row &* channels
            AddGradientSums(
                gradients: gradient + offset, values: input + offset, outputs: output.map { $0 + offset }, scale: scale, shift: shift,
                mean: mean, low: low, high: high, first: first, second: second
            ).run(channels)
        }
    }

    /// result ← the gradient of x for `rows` of the matrices. With `output`, overwrites `gradient` with g, which is the gradient of the
    /// residual.
    public func inputGradient(
        gradient: UnsafeMutablePointer<Float>, input: StoredMatrix, output: StoredMatrix?, rows: Range<Int>,
        into result: UnsafeMutablePointer<Float>
    ) {
        let offset = rows.lowerBound &* channels
        let gradient = gradient + offset
        switch input {
        case .float32(let values):
            inputGradient(gradient, UnsafePointer(values) + offset, output.map { $0.floats + offset }, count: rows.count, into: result)
        case .bfloat16(let values):
            inputGradient(gradient, UnsafePointer(values) + offset, output.map { $0.halves + offset }, count: rows.count, into: result)
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
        let factors = Factors(
            scale: scale, shift: shift, gradientFactor: gradientFactor, inputFactor: inputFactor, constant: constant)
        for row in 0..<count {
            let offset = row &* channels
            InputGradientOfRow(
                gradients: gradient + offset, values: input + offset, outputs: output.map { $0 + offset }, factors: factors, low: low,
                high: high, results: result + offset
            ).run(channels)
        }
    }
}
