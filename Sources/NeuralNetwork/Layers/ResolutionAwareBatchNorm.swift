import Kernels

/// Batch norm, one for each candidate resolution. It computes the factors of the normalisation. The kernels apply them, fused with the
/// convolutions before and after (`ConvolutionUnit`).
///
/// Images of different sizes have different statistics, so each resolution has its own scale, shift, running mean and running
/// variance, while the convolutions are shared.
final class ResolutionAwareBatchNorm: Sendable {
    let name: String
    let channels: Int
    private let copies: [BatchNormCopy]
    private let epsilon: Double
    let activation: ActivationFunction
    private let isResolutionAware: Bool

    /// - Parameter resolutionCount: nil for a plain batch norm, whose parameters have no index in their names.
    init(
        _ name: String, _ registry: ParameterRegistry, channels: Int, resolutionCount: Int?,
        epsilon: Double, activation: ActivationFunction, zeroWeight: Bool = false
    ) {
        self.name = name
        self.channels = channels
        self.epsilon = epsilon
        self.activation = activation
        isResolutionAware = resolutionCount != nil
        copies = (0..<(resolutionCount ?? 1)).map { index in
            registry.batchNormCopy(resolutionCount == nil ? name : "\(name).\(index)", channels: channels, zeroWeight: zeroWeight)
        }
    }

    /// Weight and bias of every copy.
    var parameters: [Parameter] { copies.flatMap { [$0.weight, $0.bias] } }

    /// The batch norm of an evaluation pass, as a part of an operation.
    var operation: BatchNormOperation {
        BatchNormOperation(name: name, copies: copies, epsilon: epsilon, isResolutionAware: isResolutionAware)
    }

    // MARK: - Factors

    /// The running mean of each channel. A training pass subtracts it from the values before it sums them: it is near the mean, and equal
    /// on all ranks, so that their sums add up.
    func shift(_ pass: Pass) -> UnsafePointer<Float> { UnsafePointer(copies[pass.resolutionIndex].runningMean.values) }

    /// The normalisation of a training pass: with the moments of this rank's sub-batch, or with those of all ranks' where the pass has a
    /// reducer. Collective then.
    ///
    /// - Parameters:
    ///   - sums: Σ (x − s), then Σ (x − s)² of each channel, with s the `shift`.
    ///   - count: how many values of a channel they come from.
    func trainingNormalization(_ sums: [Double], count: Int, _ pass: Pass) throws -> TrainingNormalization {
        let copy = copies[pass.resolutionIndex]
        // With the number of values, so that one collective reduces everything.
        var sums = sums + [Double(count)]
        pass.statistics?.add(sums, of: copy)
        if let reducer = pass.reducer {
            try sums.withUnsafeMutableBufferPointer { try reducer.sumOverRanks($0, label: "statistics of \(name)") }
        }
        let count = max(sums[2 * channels], 1)
        let factors = ChannelNormalization(channels: channels, activation: activation)
        var inverseDeviations = [Double](repeating: 0, count: channels)
        for channel in 0..<channels {
            let offset = sums[channel] / count
            let mean = Double(copy.runningMean.values[channel]) + offset
            let variance = max(sums[channels + channel] / count - offset * offset, 0)
            inverseDeviations[channel] = Double(Float(1 / (variance + epsilon).squareRoot()))
            setForward(factors, copy, channel, mean: Float(mean), inverseDeviation: Float(inverseDeviations[channel]))
        }
        return TrainingNormalization(factors: factors, inverseDeviations: inverseDeviations, count: count)
    }

    /// The normalisation of an evaluation pass, with the running statistics.
    func evaluationNormalization(_ pass: Pass) -> ChannelNormalization {
        let copy = copies[pass.resolutionIndex]
        guard let prepared = pass.prepared else { return runningNormalization(copy) }
        return prepared.normalization(of: copy) { runningNormalization(copy) }
    }

    private func runningNormalization(_ copy: BatchNormCopy) -> ChannelNormalization {
        let factors = ChannelNormalization(channels: channels, activation: activation)
        for channel in 0..<channels {
            let inverseDeviation = Float(1 / (Double(copy.runningVariance.values[channel]) + epsilon).squareRoot())
            setForward(
                factors, copy, channel, mean: copy.runningMean.values[channel], inverseDeviation: inverseDeviation)
        }
        return factors
    }

    private func setForward(
        _ factors: ChannelNormalization, _ copy: BatchNormCopy, _ channel: Int, mean: Float, inverseDeviation: Float
    ) {
        factors.mean[channel] = mean
        factors.scale[channel] = copy.weight.values[channel] * inverseDeviation
        factors.shift[channel] = copy.bias.values[channel] - mean * factors.scale[channel]
    }

    /// Adds to the gradients of weight and bias, and sets the backward factors of the normalisation. Collective with a reducer.
    ///
    /// With x̂ = (x − mean) / σ and g the gradient after the activation: dw += Σ g x̂, db += Σ g,
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

/// The results of a batch norm's forward pass that its backward pass uses.
struct TrainingNormalization {
    var factors: ChannelNormalization
    /// 1 / √(variance + ε) of each channel.
    var inverseDeviations: [Double]
    /// How many values of a channel were normalised together.
    var count: Double
}
