import Kernels

/// How batch norms estimate and normalise.
public struct BatchNormOptions: Sendable {
    /// Weight of a step's statistics in the running ones (PyTorch's convention).
    public var momentum: Double
    public var epsilon: Double

    public init(momentum: Double = 0.1, epsilon: Double = 1e-5) {
        self.momentum = momentum
        self.epsilon = epsilon
    }
}

/// Batch norm, one for each candidate resolution, fused with what follows it: a residual addition and an activation.
///
/// Images of different sizes have different statistics, so each resolution has its own scale, shift, running mean and running
/// variance, while the convolutions are shared.
public final class ResolutionAwareBatchNorm {
    public let name: String
    public let channels: Int
    private let copies: [Copy]
    private let options: BatchNormOptions
    private let activation: Activation

    private struct Copy {
        let weight: Parameter
        let bias: Parameter
        let runningMean: Parameter
        let runningVariance: Parameter
        let pending: PendingStatistics
    }

    /// - Parameter resolutionCount: nil for a plain batch norm, whose parameters have no index in their names.
    init(
        _ name: String, _ registry: ParameterRegistry, channels: Int, resolutionCount: Int?,
        options: BatchNormOptions, activation: Activation, zeroWeight: Bool = false
    ) {
        self.name = name
        self.channels = channels
        self.options = options
        self.activation = activation
        copies = (0..<(resolutionCount ?? 1)).map { index in
            let prefix = resolutionCount == nil ? name : "\(name).\(index)"
            return Copy(
                weight: registry.parameter(
                    "\(prefix).weight", [channels], isWeight: false, zeroWeight ? .zeros : .ones),
                bias: registry.parameter("\(prefix).bias", [channels], isWeight: false, .zeros),
                runningMean: registry.statistic("\(prefix).running_mean", count: channels, .zeros),
                runningVariance: registry.statistic("\(prefix).running_var", count: channels, .ones),
                pending: PendingStatistics(channels: channels))
        }
    }

    public var resolutionCount: Int { copies.count }

    /// activation(norm(input) (+ residual)). `input` is overwritten in an evaluation pass.
    ///
    /// The pullback gives (gradient of the input, gradient of the residual); the second is the tensor that it was given, with the
    /// activation's zeros in it.
    func forward(
        _ input: Tensor, residual: Tensor? = nil, _ pass: Pass
    ) throws -> (output: Tensor, pullback: ((Tensor) throws -> (input: Tensor, residual: Tensor))?) {
        let copy = copies[pass.resolutionIndex]
        if pass.mode == .evaluation {
            normalize(
                input, copy, mean: Array(UnsafeBufferPointer(start: copy.runningMean.values, count: channels)),
                inverseDeviation: runningInverseDeviation(copy), residual: residual, into: input)
            return (input, nil)
        }
        let moments = try batchMoments(input, copy, pass)
        let output = Tensor(input.shape)
        normalize(
            input, copy, mean: moments.mean, inverseDeviation: moments.inverseDeviation, residual: residual, into: output)
        return (output, { [self] gradient in
            let inputGradient = try backward(gradient, input: input, output: output, copy, moments, pass)
            return (inputGradient, gradient)
        })
    }

    /// The mean and 1 / √(variance + ε) of each channel that a pass normalises with, and how many values they come from.
    private struct Moments {
        var mean: [Float]
        var inverseDeviation: [Float]
        var count: Double
    }

    private func batchMoments(_ input: Tensor, _ copy: Copy, _ pass: Pass) throws -> Moments {
        // Σ x, Σ x² and the number of rows, in one vector so that one collective reduces them.
        var sums = [Double](repeating: 0, count: 2 * channels + 1)
        sums.withUnsafeMutableBufferPointer {
            BatchNormalization.sums(
                input.data, images: input.shape.batch, rowsPerImage: input.shape.height * input.shape.width,
                channels: channels, into: $0.baseAddress!)
        }
        sums[2 * channels] = Double(input.shape.pixels)
        if pass.recordsStatistics { copy.pending.add(sums) }
        if let reducer = pass.reducer {
            try sums.withUnsafeMutableBufferPointer { try reducer.sumOverRanks($0, label: "statistics of \(name)") }
        }
        let count = max(sums[2 * channels], 1)
        var moments = Moments(
            mean: [Float](repeating: 0, count: channels), inverseDeviation: [Float](repeating: 0, count: channels),
            count: count)
        for channel in 0..<channels {
            let mean = sums[channel] / count
            let variance = max(sums[channels + channel] / count - mean * mean, 0)
            moments.mean[channel] = Float(mean)
            moments.inverseDeviation[channel] = Float(1 / (variance + options.epsilon).squareRoot())
        }
        return moments
    }

    private func runningInverseDeviation(_ copy: Copy) -> [Float] {
        (0..<channels).map { channel in
            Float(1 / (Double(copy.runningVariance.values[channel]) + options.epsilon).squareRoot())
        }
    }

    private func normalize(
        _ input: Tensor, _ copy: Copy, mean: [Float], inverseDeviation: [Float], residual: Tensor?, into output: Tensor
    ) {
        let scale = (0..<channels).map { copy.weight.values[$0] * inverseDeviation[$0] }
        let shift = (0..<channels).map { copy.bias.values[$0] - mean[$0] * scale[$0] }
        BatchNormalization.normalize(
            input.data, rows: input.shape.pixels, channels: channels, scale: scale, shift: shift,
            residual: residual.map { UnsafePointer($0.data) }, activation: activation, output: output.data)
    }

    /// With x̂ = (x − mean) / σ and g the gradient behind the activation:
    /// dw += Σ g x̂, db += Σ g, dx = w / σ · (g − mean(g) − x̂ · mean(g x̂)); the means over all that was normalised together.
    /// The result overwrites `input`.
    private func backward(
        _ gradient: Tensor, input: Tensor, output: Tensor, _ copy: Copy, _ moments: Moments, _ pass: Pass
    ) throws -> Tensor {
        var sums = [Double](repeating: 0, count: 2 * channels)
        sums.withUnsafeMutableBufferPointer {
            BatchNormalization.backwardSums(
                outputGradient: gradient.data, output: output.data, input: input.data, images: input.shape.batch,
                rowsPerImage: input.shape.height * input.shape.width, channels: channels, mean: moments.mean, activation: activation, into: $0.baseAddress!)
        }
        for channel in 0..<channels {
            let inverseDeviation = Double(moments.inverseDeviation[channel])
            copy.bias.gradient[channel] += Float(sums[channel])
            copy.weight.gradient[channel] += Float(sums[channels + channel] * inverseDeviation)
        }
        if let reducer = pass.reducer {
            try sums.withUnsafeMutableBufferPointer { try reducer.sumOverRanks($0, label: "gradients of \(name)") }
        }
        var gradientFactor = [Float](repeating: 0, count: channels)
        var inputFactor = gradientFactor
        var constant = gradientFactor
        for channel in 0..<channels {
            let inverseDeviation = Double(moments.inverseDeviation[channel])
            let factor = Double(copy.weight.values[channel]) * inverseDeviation
            let slope = factor * inverseDeviation * inverseDeviation * sums[channels + channel] / moments.count
            gradientFactor[channel] = Float(factor)
            inputFactor[channel] = Float(-slope)
            constant[channel] = Float(slope * Double(moments.mean[channel]) - factor * sums[channel] / moments.count)
        }
        BatchNormalization.backwardApply(
            gradient.data, input.data, rows: input.shape.pixels, channels: channels, gradientFactor: gradientFactor,
            inputFactor: inputFactor, constant: constant, result: input.data)
        return input
    }
}

// MARK: - Running statistics

/// Σ x, Σ x² and the number of values that passes since the last update have seen on this rank, of one copy of a batch norm.
final class PendingStatistics {
    var sums: [Double]

    init(channels: Int) {
        sums = [Double](repeating: 0, count: 2 * channels + 1)
    }

    func add(_ other: [Double]) {
        for index in sums.indices { sums[index] += other[index] }
    }
}

extension ResolutionAwareBatchNorm {
    /// Appends what is pending on this rank, to be summed over the ranks: (2 × channels + 1) numbers a copy.
    public func appendPending(to sums: inout [Double]) {
        for copy in copies { sums += copy.pending.sums }
    }

    /// Takes what `appendPending` gave, summed over all ranks, from the front of `sums`; updates the running statistics with it
    /// and clears what is pending. A resolution that no rank has seen keeps its statistics.
    ///
    /// - Parameter momentum: the weight of the new statistics; nil for the configured one.
    public func update(from sums: inout ArraySlice<Double>, momentum: Double? = nil) {
        let width = 2 * channels + 1
        for copy in copies {
            let start = sums.startIndex
            let count = sums[start + 2 * channels]
            if count > 0 {
                for channel in 0..<channels {
                    let mean = sums[start + channel] / count
                    let variance = max(sums[start + channels + channel] / count - mean * mean, 0)
                    // The running variance is the unbiased one, as PyTorch's; of a single value there is none.
                    let unbiased = count > 1 ? variance * count / (count - 1) : nil
                    blend(copy.runningMean, channel, mean, momentum)
                    if let unbiased { blend(copy.runningVariance, channel, unbiased, momentum) }
                }
            }
            for index in copy.pending.sums.indices { copy.pending.sums[index] = 0 }
            sums = sums.dropFirst(width)
        }
    }

    private func blend(_ statistic: Parameter, _ channel: Int, _ value: Double, _ momentum: Double?) {
        let weight = momentum ?? options.momentum
        statistic.values[channel] = Float((1 - weight) * Double(statistic.values[channel]) + weight * value)
    }
}
