/// The passes of a normalisation before an activation x · gate(x), which needs x for its gradient. No residual is added before such an
/// activation in any network here.
extension ChannelNormalization {
    /// output ← activation(input · scale + shift) for `count` rows.
    func applyGated<Number: StoredNumber>(_ input: UnsafePointer<Number>, count: Int, into output: UnsafeMutablePointer<Float>) {
        if activation == .silu {
            applyGated(SiLU.self, input, count: count, into: output)
        } else {
            applyGated(HardSwish.self, input, count: count, into: output)
        }
    }

    @inline(__always)
    private func applyGated<Gated: GatedActivation, Number: StoredNumber>(
        _: Gated.Type, _ input: UnsafePointer<Number>, count: Int, into output: UnsafeMutablePointer<Float>
    ) {
        let (channels, scale, shift) = (channels, scale, shift)
        for row in 0..<count {
            let values = input + row &* channels
            let results = output + row &* channels
            for channel in 0..<channels { results[channel] = Gated.value(values[channel].float * scale[channel] + shift[channel]) }
        }
    }

    /// values ← activation(values · scale + shift) for these rows of a matrix and some of its channels.
    func applyGatedInPlace(_ matrix: UnsafeMutablePointer<Float>, rows: Range<Int>, channels part: Range<Int>) {
        if activation == .silu {
            applyGatedInPlace(SiLU.self, matrix, rows: rows, channels: part)
        } else {
            applyGatedInPlace(HardSwish.self, matrix, rows: rows, channels: part)
        }
    }

    @inline(__always)
    private func applyGatedInPlace<Gated: GatedActivation>(
        _: Gated.Type, _ matrix: UnsafeMutablePointer<Float>, rows: Range<Int>, channels part: Range<Int>
    ) {
        let (channels, scale, shift) = (part.count, scale + part.lowerBound, shift + part.lowerBound)
        for row in rows {
            let values = matrix + (row &* self.channels &+ part.lowerBound)
            for channel in 0..<channels { values[channel] = Gated.value(values[channel] * scale[channel] + shift[channel]) }
        }
    }

    /// Adds Σ g and Σ g · (x − mean) of the rows to `sums`; see `addGradientSums`.
    func addGatedGradientSums<Number: StoredNumber>(
        _ slot: Int, _ rows: Range<Int>, gradient: UnsafePointer<Float>, input: UnsafePointer<Number>, to sums: ChannelSums
    ) {
        if activation == .silu {
            addGatedGradientSums(SiLU.self, slot, rows, gradient: gradient, input: input, to: sums)
        } else {
            addGatedGradientSums(HardSwish.self, slot, rows, gradient: gradient, input: input, to: sums)
        }
    }

    @inline(__always)
    private func addGatedGradientSums<Gated: GatedActivation, Number: StoredNumber>(
        _: Gated.Type, _ slot: Int, _ rows: Range<Int>, gradient: UnsafePointer<Float>, input: UnsafePointer<Number>, to sums: ChannelSums
    ) {
        let (channels, scale, shift, mean) = (channels, scale, shift, mean)
        sums.add(slot, rows, 0..<channels) { row, first, second in
            let gradients = gradient + row &* channels
            let values = input + row &* channels
            for channel in 0..<channels {
                let value = values[channel].float
                let passed = gradients[channel] * Gated.slope(value * scale[channel] + shift[channel])
                first[channel] += passed
                second[channel] += passed * (value - mean[channel])
            }
        }
    }

    /// result ← the gradient of x for `count` rows.
    func gatedInputGradient<Number: StoredNumber>(
        gradient: UnsafePointer<Float>, input: UnsafePointer<Number>, count: Int, into result: UnsafeMutablePointer<Float>
    ) {
        if activation == .silu {
            gatedInputGradient(SiLU.self, gradient: gradient, input: input, count: count, into: result)
        } else {
            gatedInputGradient(HardSwish.self, gradient: gradient, input: input, count: count, into: result)
        }
    }

    @inline(__always)
    private func gatedInputGradient<Gated: GatedActivation, Number: StoredNumber>(
        _: Gated.Type, gradient: UnsafePointer<Float>, input: UnsafePointer<Number>, count: Int, into result: UnsafeMutablePointer<Float>
    ) {
        let (channels, scale, shift) = (channels, scale, shift)
        let (gradientFactor, inputFactor, constant) = (gradientFactor, inputFactor, constant)
        for row in 0..<count {
            let gradients = gradient + row &* channels
            let values = input + row &* channels
            let results = result + row &* channels
            for channel in 0..<channels {
                let value = values[channel].float
                let passed = gradients[channel] * Gated.slope(value * scale[channel] + shift[channel])
                results[channel] = passed * gradientFactor[channel] + value * inputFactor[channel] + constant[channel]
            }
        }
    }
}
