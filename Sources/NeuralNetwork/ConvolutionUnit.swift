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
/// A training pass keeps the unit's input, the convolution's output and the unit's output, which is the next unit's input; the
/// normalised values are computed again in the backward pass.
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
    typealias UnitPullback = (_ gradient: Tensor, _ sum: Tensor?) throws -> (input: Tensor, residual: Tensor)

    func forward(
        _ input: Tensor, residual: Tensor? = nil, _ pass: Pass, wantsInputGradient: Bool = true
    ) throws -> (output: Tensor, pullback: UnitPullback?) {
        let normalized = try norm.forward(convolution.forward(input), residual: residual, pass)
        guard let normPullback = normalized.pullback else { return (normalized.output, nil) }
        return (normalized.output, { [convolution] gradient, sum in
            let gradients = try normPullback(gradient)
            let inputGradient = convolution.backward(
                gradients.input, input: input, addingTo: sum, wantsInputGradient: wantsInputGradient)
            return (inputGradient, gradients.residual)
        })
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) -> Shape {
        convolution.trace(shape, into: &costs)
    }
}
