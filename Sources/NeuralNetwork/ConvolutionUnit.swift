import Kernels

/// What a network is built with: the registry of its parameters and how its batch norms are made.
struct NetworkBuilder {
    let registry: ParameterRegistry
    /// Copies of each batch norm; nil for plain ones.
    let resolutionCount: Int?
    let batchNorm: BatchNormOptions
}

/// Convolution → batch norm (→ + residual) → activation: what every network here is made of.
///
/// A training pass keeps the convolution's output; the normalised values are computed by whoever reads them, and are written out only where
/// a residual is added. The batch norm's sums, forward and back, are gathered while the convolutions' results are hot.
public final class ConvolutionUnit {
    let convolution: Convolution2D
    let norm: ResolutionAwareBatchNorm

    init(
        convolution convolutionName: String, norm normName: String, _ builder: NetworkBuilder, from inputs: Int,
        to outputs: Int, kernel: Int, stride: Int = 1, isDepthwise: Bool = false, activation: Activation,
        zeroWeight: Bool = false
    ) {
        convolution = Convolution2D(
            convolutionName, builder.registry, from: inputs, to: outputs, kernel: kernel, stride: stride,
            isDepthwise: isDepthwise)
        norm = ResolutionAwareBatchNorm(
            normName, builder.registry, channels: outputs, resolutionCount: builder.resolutionCount,
            options: builder.batchNorm, activation: activation, zeroWeight: zeroWeight)
    }

    /// Takes the output's gradient and, optionally, a tensor that the input's gradient is to be added to; gives the gradients of
    /// input and residual.
    typealias UnitPullback = (_ gradient: ActivationGradient, _ sum: Tensor?) throws -> (input: ActivationGradient, residual: Tensor)

    /// - Parameters:
    ///   - wantsInputGradient: false for the first unit of a network, whose pullback gives an empty tensor.
    ///   - completesInputGradient: false where more is added to the input's gradient after the pullback.
    func forward(
        _ input: Activations, residual: Activations? = nil, _ pass: Pass, wantsInputGradient: Bool = true,
        completesInputGradient: Bool = true
    ) throws -> (output: Activations, pullback: UnitPullback?) {
        let output = Tensor(convolution.outputShape(input.shape), input.context)
        let kernel = convolution.kernel(input.shape, keepsWeights: pass.mode == .evaluation, input.context)
        if pass.mode == .evaluation {
            evaluate(input, residual, kernel, pass, into: output)
            return (Activations(output), nil)
        }
        let sums = ChannelSums(
            slots: kernel.forwardSlots, channels: output.shape.channels, rowsPerImage: output.shape.height * output.shape.width,
            input.context)
        kernel.forward(input: input.rows, weights: convolution.weight.values, output: output.data) { slot, rows, channels in
            sums.addMoments(slot, rows, channels, of: output.data)
        }
        let normalization = try norm.trainingNormalization(sums.total, count: output.shape.pixels, pass)
        let result = activations(output, normalization.factors, residual)
        return (
            result,
            { [self] gradient, sum in
                try norm.backward(normalization, sums: gradient.sums ?? result.gradientSums(gradient.tensor), pass)
                let inputGradient = backward(
                    gradient.tensor, output: result, input: input, kernel, sum: sum, wantsInputGradient: wantsInputGradient,
                    completes: completesInputGradient)
                return (inputGradient, gradient.tensor)
            }
        )
    }

    private func evaluate(
        _ input: Activations, _ residual: Activations?, _ kernel: ConvolutionKernel, _ pass: Pass, into output: Tensor
    ) {
        let normalization = norm.evaluationNormalization(pass)
        let added = residual?.materialized()
        let finish: BlockFinisher = { _, rows, channels in
            normalization.applyInPlace(output.data, rows: rows, channels: channels, residual: added.map { UnsafePointer($0.data) })
        }
        if let frozen = pass.frozenWeights {
            kernel.forward(input: input.rows, prepared: frozen.prepared(convolution, kernel), output: output.data, finish: finish)
        } else {
            kernel.forward(input: input.rows, weights: convolution.weight.values, output: output.data, finish: finish)
        }
    }

    private func activations(_ convolved: Tensor, _ factors: ChannelNormalization, _ residual: Activations?) -> Activations {
        let source = Activations.Source(convolved: convolved, normalization: factors)
        guard let residual else { return Activations(source) }
        let stored = Tensor(convolved.shape, convolved.context)
        factors.applyInParallel(
            convolved.data, count: convolved.shape.pixels, residual: residual.rows, into: stored.data, convolved.context)
        return Activations(stored, source: source)
    }

    /// The gradient of the convolution's output is computed as the kernel reads it.
    private func backward(
        _ gradient: Tensor, output: Activations, input: Activations, _ kernel: ConvolutionKernel, sum: Tensor?,
        wantsInputGradient: Bool, completes: Bool
    ) -> ActivationGradient {
        guard let source = output.source else { preconditionFailure("\(norm.name): a training pass keeps its source") }
        let channels = output.shape.channels
        let stored = output.stored.map { UnsafePointer($0.data) }
        let outputGradient = Rows.computed { rows, target in
            let offset = rows.lowerBound * channels
            source.normalization.inputGradient(
                gradient: gradient.data + offset, input: source.convolved.data + offset, output: stored.map { $0 + offset },
                count: rows.count, into: target)
        }
        func run(_ inputGradient: InputGradient?) {
            kernel.backward(
                input: input.rows, outputGradient: outputGradient, weights: convolution.weight.values,
                weightGradient: convolution.weight.gradient, inputGradient: inputGradient)
        }
        guard wantsInputGradient else {
            run(nil)
            return ActivationGradient(Tensor(Shape(batch: 0, channels: 0), input.context))
        }
        let result = sum ?? Tensor(input.shape, input.context)
        guard completes, let inputSource = input.source else {
            run(InputGradient(result.data, accumulates: sum != nil) { _, _ in })
            return ActivationGradient(result)
        }
        let sums = inputSource.makeSums(slots: kernel.backwardSlots)
        run(
            InputGradient(result.data, accumulates: sum != nil) { slot, rows in
                inputSource.add(slot, rows, gradient: result, stored: input.stored, to: sums)
            })
        return ActivationGradient(result, sums: sums.total)
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) -> Shape {
        convolution.trace(shape, into: &costs)
    }
}
