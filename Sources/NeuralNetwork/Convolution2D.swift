import Kernels

/// A 2-D convolution without bias, dense or depthwise, with square kernels.
public final class Convolution2D {
    public let weight: Parameter
    public let name: String
    private let inputChannels: Int
    private let outputChannels: Int
    private let kernel: Int
    private let stride: Int
    private let padding: Int
    private let isDepthwise: Bool

    /// Padding is (kernel − 1) / 2, as everywhere in the networks here.
    init(
        _ name: String, _ registry: ParameterRegistry, from inputChannels: Int, to outputChannels: Int, kernel: Int,
        stride: Int = 1, isDepthwise: Bool = false
    ) {
        precondition(!isDepthwise || inputChannels == outputChannels, "\(name): depthwise channels do not change")
        self.name = name
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.stride = stride
        self.isDepthwise = isDepthwise
        padding = (kernel - 1) / 2
        // torchvision counts the fan-out of a depthwise convolution like that of a dense one.
        let fanOut = kernel * kernel * outputChannels
        weight = registry.parameter(
            "\(name).weight", [outputChannels, isDepthwise ? 1 : inputChannels, kernel, kernel],
            layout: isDepthwise ? .depthwise : .convolution, isWeight: true, .heNormal(fanOut: fanOut))
    }

    /// x [N, H, W, C] → [N, ⌊(H + 2p − k) / s⌋ + 1, likewise, output channels].
    public func forward(_ input: Tensor) -> Tensor {
        let shape = convolutionShape(input.shape)
        let output = Tensor(outputShape(input.shape))
        if isDepthwise {
            DepthwiseConvolution.forward(shape, input: input.data, weights: weight.values, output: output.data)
        } else {
            Convolution.forward(shape, input: input.data, weights: weight.values, output: output.data)
        }
        return output
    }

    /// Adds to the weight's gradient, and returns the input's gradient.
    ///
    /// - Parameter sum: where there is a tensor, the input's gradient is added to it and it is returned.
    public func backward(
        _ outputGradient: Tensor, input: Tensor, addingTo sum: Tensor? = nil, wantsInputGradient: Bool = true
    ) -> Tensor {
        let shape = convolutionShape(input.shape)
        if isDepthwise {
            DepthwiseConvolution.addWeightGradient(
                shape, input: input.data, outputGradient: outputGradient.data, weightGradient: weight.gradient)
        } else {
            Convolution.addWeightGradient(
                shape, input: input.data, outputGradient: outputGradient.data, weightGradient: weight.gradient)
        }
        guard wantsInputGradient else { return Tensor(Shape(batch: 0, channels: 0)) }
        if isDepthwise {
            let inputGradient = Tensor(input.shape)
            DepthwiseConvolution.inputGradient(
                shape, outputGradient: outputGradient.data, weights: weight.values, inputGradient: inputGradient.data)
            guard let sum else { return inputGradient }
            Elementwise.addInParallel(inputGradient.data, to: sum.data, count: sum.shape.count)
            return sum
        }
        let inputGradient = sum ?? Tensor(input.shape)
        Convolution.inputGradient(
            shape, outputGradient: outputGradient.data, weights: weight.values, inputGradient: inputGradient.data,
            accumulate: sum != nil)
        return inputGradient
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) -> Shape {
        let output = outputShape(shape)
        let perOutput = kernel * kernel * (isDepthwise ? 1 : inputChannels)
        costs.append(LayerCost(name: name, multiplyAdds: output.count * perOutput, output: output))
        return output
    }

    func outputShape(_ input: Shape) -> Shape {
        let shape = convolutionShape(input)
        return Shape(
            batch: input.batch, height: shape.outputHeight, width: shape.outputWidth, channels: outputChannels)
    }

    private func convolutionShape(_ input: Shape) -> ConvolutionShape {
        precondition(input.channels == inputChannels, "\(name) takes \(inputChannels) channels, not \(input)")
        return ConvolutionShape(
            batch: input.batch, inputHeight: input.height, inputWidth: input.width, inputChannels: inputChannels,
            outputChannels: outputChannels, kernel: kernel, stride: stride, padding: padding)
    }
}
