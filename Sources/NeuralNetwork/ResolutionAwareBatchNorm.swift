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

/// Batch norm, one for each candidate resolution. It makes the factors; the sweeps over images are the kernels', fused with the convolutions
/// before and behind (`ConvolutionUnit`).
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

    // MARK: - Factors

    /// The normalisation of a training pass: with the moments of this rank's sub-batch, or with those of all ranks' where the pass has a
    /// reducer. Collective then.
    ///
    /// - Parameters:
    ///   - sums: Σ x, then Σ x² of each channel.
    ///   - count: how many values of a channel they come from.
    func trainingNormalization(_ sums: [Double], count: Int, _ pass: Pass) throws -> TrainingNormalization {
        let copy = copies[pass.resolutionIndex]
        // The number of values goes along, so that one collective reduces all.
        var sums = sums + [Double(count)]
        if pass.recordsStatistics { copy.pending.add(sums) }
        if let reducer = pass.reducer {
            try sums.withUnsafeMutableBufferPointer { try reducer.sumOverRanks($0, label: "statistics of \(name)") }
        }
        let count = max(sums[2 * channels], 1)
        let factors = ChannelNormalization(channels: channels, activation: activation)
        var inverseDeviations = [Double](repeating: 0, count: channels)
        for channel in 0..<channels {
            let mean = sums[channel] / count
            let variance = max(sums[channels + channel] / count - mean * mean, 0)
            inverseDeviations[channel] = Double(Float(1 / (variance + options.epsilon).squareRoot()))
            setForward(factors, copy, channel, mean: Float(mean), inverseDeviation: Float(inverseDeviations[channel]))
        }
        return TrainingNormalization(factors: factors, inverseDeviations: inverseDeviations, count: count)
    }

    /// The normalisation of an evaluation pass, with the running statistics.
    func evaluationNormalization(_ pass: Pass) -> ChannelNormalization {
        guard let frozen = pass.frozenWeights else { return runningNormalization(pass.resolutionIndex) }
        return frozen.normalization(self, resolutionIndex: pass.resolutionIndex) { runningNormalization(pass.resolutionIndex) }
    }

    private func runningNormalization(_ resolutionIndex: Int) -> ChannelNormalization {
        let copy = copies[resolutionIndex]
        let factors = ChannelNormalization(channels: channels, activation: activation)
        for channel in 0..<channels {
            let inverseDeviation = Float(1 / (Double(copy.runningVariance.values[channel]) + options.epsilon).squareRoot())
            setForward(
                factors, copy, channel, mean: copy.runningMean.values[channel], inverseDeviation: inverseDeviation)
        }
        return factors
    }

    private func setForward(
        _ factors: ChannelNormalization, _ copy: Copy, _ channel: Int, mean: Float, inverseDeviation: Float
    ) {
        factors.mean[channel] = mean
        factors.scale[channel] = copy.weight.values[channel] * inverseDeviation
        factors.shift[channel] = copy.bias.values[channel] - mean * factors.scale[channel]
    }

    /// Adds to the gradients of weight and bias, and sets the backward factors of the normalisation. Collective with a reducer.
    ///
    /// With x̂ = (x − mean) / σ and g the gradient behind the activation: dw += Σ g x̂, db += Σ g,
    /// dx = w / σ · (g − mean(g) − x̂ · mean(g x̂)); the means over all that was normalised together.
    ///
    /// - Parameter sums: Σ g, then Σ g (x − mean), of each channel over this rank's sub-batch.
    func backward(_ normalization: TrainingNormalization, sums: [Double], _ pass: Pass) throws {
        let copy = copies[pass.resolutionIndex]
        let (factors, count) = (normalization.factors, normalization.count)
        for channel in 0..<channels {
            copy.bias.gradient[channel] += Float(sums[channel])
            copy.weight.gradient[channel] += Float(sums[channels + channel] * normalization.inverseDeviations[channel])
        }
        var sums = sums
        if let reducer = pass.reducer {
            try sums.withUnsafeMutableBufferPointer { try reducer.sumOverRanks($0, label: "gradients of \(name)") }
        }
        for channel in 0..<channels {
            let inverseDeviation = normalization.inverseDeviations[channel]
            let factor = Double(copy.weight.values[channel]) * inverseDeviation
            let slope = factor * inverseDeviation * inverseDeviation * sums[channels + channel] / count
            factors.gradientFactor[channel] = Float(factor)
            factors.inputFactor[channel] = Float(-slope)
            factors.constant[channel] = Float(slope * Double(factors.mean[channel]) - factor * sums[channel] / count)
        }
    }
}

/// What the backward pass of a batch norm needs again.
struct TrainingNormalization {
    var factors: ChannelNormalization
    /// 1 / √(variance + ε) of each channel.
    var inverseDeviations: [Double]
    /// How many values of a channel were normalised together.
    var count: Double
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
