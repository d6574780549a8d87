import Kernels

/// Convolution → batch norm (→ + residual) → activation function. Every network here consists of such units.
///
/// A training pass keeps the convolution's output. Each reader computes the normalised values from it; they are stored only where a
/// residual is added. The batch norm's sums, forward and backward, are gathered while the convolutions' results are in cache.
struct ConvolutionUnit: FeatureLayer {
    let convolution: Convolution2D
    let norm: ResolutionAwareBatchNorm
    /// The first unit of a network takes images, which have no gradient; its pullback returns an empty tensor.
    private let takesImages: Bool

    init(
        convolution convolutionName: String, norm normName: String, _ builder: LayerBuilder, from inputs: Int,
        to outputs: Int, kernel: Int, stride: Int = 1, isDepthwise: Bool = false, groups: Int = 1, activation: ActivationFunction,
        zeroWeight: Bool = false, takesImages: Bool = false
    ) {
        self.takesImages = takesImages
        convolution = Convolution2D(
            convolutionName, builder.registry, from: inputs, to: outputs, kernel: kernel, stride: stride,
            isDepthwise: isDepthwise, groups: groups)
        norm = ResolutionAwareBatchNorm(
            normName, builder.registry, channels: outputs, resolutionCount: builder.resolutionCount,
            epsilon: builder.batchNormEpsilon, activation: activation, zeroWeight: zeroWeight)
    }

    var parameters: [Parameter] { [convolution.weight] + norm.parameters }

    func forward(_ input: FeatureMap, _ pass: Pass) throws -> Forward<FeatureMap, FeaturePullback> {
        let result = try forward(input, residual: nil, pass)
        return Forward(result.output, result.pullback.map { pullback in { try pullback($0, nil).input } })
    }

    /// Takes the gradient of the output and, optionally, a tensor to which it adds the gradient of the input. Returns the gradients of
    /// input and residual.
    typealias UnitPullback = (_ gradient: FeatureGradient, _ sum: Tensor?) throws -> (input: FeatureGradient, residual: Tensor)

    /// - Parameters:
    ///   - residual: what is added before the activation function.
    ///   - completesInputGradient: false where more is added to the input's gradient after the pullback.
    func forward(
        _ input: FeatureMap, residual: FeatureMap?, _ pass: Pass, completesInputGradient: Bool = true
    ) throws -> Forward<FeatureMap, UnitPullback> {
        let kernel = convolution.kernel(input.shape, keepsWeights: pass.mode == .evaluation, input.context)
        let shape = convolution.outputShape(input.shape)
        if pass.mode == .evaluation {
            let output = Tensor(shape, input.context)
            evaluate(input, residual, kernel, pass, into: output)
            return Forward(FeatureMap(output), nil)
        }
        let convolved = KeptValues(shape, input.context)
        let normalization = try norm.trainingNormalization(convolve(input, pass, into: convolved), count: shape.pixels, pass)
        let result = featureMap(convolved, normalization.factors, residual)
        return Forward(result) { gradient, sum in
            try norm.backward(normalization, sums: gradient.sums ?? result.gradientSums(gradient.tensor), pass)
            let inputGradient = backward(
                gradient.tensor, output: result, input: input, kernel, sum: sum, completes: completesInputGradient,
                isNeeded: pass.needsInputGradient)
            return (inputGradient, gradient.tensor)
        }
    }

    /// Convolves and returns the batch norm's sums.
    ///
    /// Results that are kept in 16 bits are computed for a few images at a time, so that the memory for floats is small. They are rounded
    /// while they are in cache, and the sums are those of the rounded numbers, which the normalisation reads later.
    private func convolve(_ input: FeatureMap, _ pass: Pass, into convolved: KeptValues) -> [Double] {
        let (shape, matrix, shift) = (convolved.shape, convolved.matrix, norm.shift(pass))
        let (inputPixels, pixels) = (input.shape.height * input.shape.width, shape.height * shape.width)
        let groups =
            convolved.tensor == nil ? ImageGroups(shape.batch, imageFloats: pixels * shape.channels).ranges : [0..<shape.batch]
        var total = [Double](repeating: 0, count: 2 * shape.channels)
        for images in groups {
            var (inputs, outputs) = (input.shape, shape)
            (inputs.batch, outputs.batch) = (images.count, images.count)
            let kernel = convolution.kernel(inputs, keepsWeights: false, input.context)
            let output = convolved.tensor ?? Tensor(outputs, input.context)
            let part = matrix.from(images.lowerBound * pixels, channels: shape.channels)
            let sums = ChannelSums(slots: kernel.forwardSlots, channels: shape.channels, rowsPerImage: pixels, input.context)
            kernel.forward(
                input: input.rows.from(images.lowerBound * inputPixels, channels: inputs.channels),
                weights: convolution.weight.values, output: output.data
            ) { slot, rows, channels in
                part.write(rows, channels, channels: shape.channels, from: output.data)
                sums.addMoments(slot, rows, channels, of: part, shift: shift)
            }
            for (index, sum) in sums.total.enumerated() { total[index] += sum }
        }
        return total
    }

    private func evaluate(
        _ input: FeatureMap, _ residual: FeatureMap?, _ kernel: ConvolutionKernel, _ pass: Pass, into output: Tensor
    ) {
        let normalization = norm.evaluationNormalization(pass)
        let added = residual?.materialized()
        let finish: BlockFinisher = { _, rows, channels in
            normalization.applyInPlace(output.data, rows: rows, channels: channels, residual: added.map { UnsafePointer($0.data) })
        }
        if let prepared = pass.prepared {
            kernel.forward(input: input.rows, prepared: prepared.weights(of: convolution, for: kernel), output: output.data, finish: finish)
        } else {
            kernel.forward(input: input.rows, weights: convolution.weight.values, output: output.data, finish: finish)
        }
    }

    private func featureMap(_ convolved: KeptValues, _ factors: ChannelNormalization, _ residual: FeatureMap?) -> FeatureMap {
        let source = FeatureMap.Source(convolved: convolved, normalization: factors)
        guard let residual else { return FeatureMap(source) }
        let stored = KeptValues(convolved.shape, convolved.context)
        factors.applyInParallel(
            convolved.matrix, count: convolved.shape.pixels, residual: residual.rows, into: stored.matrix, convolved.context)
        return FeatureMap(stored, source: source)
    }

    /// The gradient of the convolution's output is computed as the kernel reads it.
    ///
    /// - Parameter isNeeded: false if the input's gradient is not used; the result is empty then.
    private func backward(
        _ gradient: Tensor, output: FeatureMap, input: FeatureMap, _ kernel: ConvolutionKernel, sum: Tensor?,
        completes: Bool, isNeeded: Bool
    ) -> FeatureGradient {
        guard let source = output.source else { preconditionFailure("\(norm.name): a training pass keeps its source") }
        let (convolved, stored) = (source.convolved.matrix, output.stored?.matrix)
        let outputGradient = Rows.computed { rows, target in
            source.normalization.inputGradient(gradient: gradient.data, input: convolved, output: stored, rows: rows, into: target)
        }
        func run(_ inputGradient: InputGradient?) {
            kernel.backward(
                input: input.rows, outputGradient: outputGradient, weights: convolution.weight.values,
                weightGradient: convolution.weight.gradient, inputGradient: inputGradient)
        }
        guard isNeeded && !takesImages else {
            run(nil)
            return FeatureGradient(Tensor(Shape(batch: 0, channels: 0), input.context))
        }
        let result = sum ?? Tensor(input.shape, input.context)
        guard completes, let inputSource = input.source else {
            run(InputGradient(result.data, accumulates: sum != nil) { _, _ in })
            return FeatureGradient(result)
        }
        let sums = inputSource.makeSums(slots: kernel.backwardSlots)
        run(
            InputGradient(result.data, accumulates: sum != nil) { slot, rows in
                inputSource.add(slot, rows, gradient: result, stored: input.stored, to: sums)
            })
        return FeatureGradient(result, sums: sums.total)
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) -> Shape {
        convolution.trace(shape, into: &costs)
    }

    func record(_ input: NetworkValue, in recorder: OperationRecorder) -> NetworkValue { record(input, residual: nil, in: recorder) }

    /// - Parameter residual: what is added before the activation function.
    func record(_ input: NetworkValue, residual: NetworkValue?, in recorder: OperationRecorder) -> NetworkValue {
        var value = recorder.add(convolution.name, .convolution(convolution.operation(norm.operation)), [input])
        if let residual { value = recorder.add("\(convolution.name).sum", .sum, [value, residual]) }
        return recorder.add("\(convolution.name).activation", norm.activation, value)
    }
}
