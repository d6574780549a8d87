import Kernels

/// A 2-D convolution without bias, dense, grouped or depthwise, with square kernels.
public final class Convolution2D: Sendable {
    public let weight: Parameter
    public let name: String
    private let inputChannels: Int
    private let outputChannels: Int
    private let kernel: Int
    private let stride: Int
    private let padding: Int
    private let isDepthwise: Bool
    /// Groups of channels that are convolved apart; 1 for a dense or a depthwise convolution.
    private let groups: Int

    /// Padding is (kernel − 1) / 2, as everywhere in the networks here.
    init(
        _ name: String, _ registry: ParameterRegistry, from inputChannels: Int, to outputChannels: Int, kernel: Int,
        stride: Int = 1, isDepthwise: Bool = false, groups: Int = 1
    ) {
        precondition(!isDepthwise || inputChannels == outputChannels, "\(name): depthwise channels do not change")
        precondition(inputChannels % groups == 0 && outputChannels % groups == 0, "\(name): \(groups) groups do not divide the channels")
        self.name = name
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.stride = stride
        self.isDepthwise = isDepthwise
        self.groups = groups
        padding = (kernel - 1) / 2
        // torchvision counts the fan-out of a depthwise or grouped convolution like that of a dense one.
        let fanOut = kernel * kernel * outputChannels
        weight = registry.parameter(
            "\(name).weight", [outputChannels, isDepthwise ? 1 : inputChannels / groups, kernel, kernel],
            layout: isDepthwise ? .depthwise : .convolution, isWeight: true, .heNormal(fanOut: fanOut))
    }

    /// How a batch of this shape is convolved.
    func kernel(_ input: Shape, keepsWeights: Bool, _ context: KernelContext) -> ConvolutionKernel {
        ConvolutionKernels.kernel(
            for: convolutionShape(input), isDepthwise: isDepthwise, groups: groups, keepsWeights: keepsWeights, context)
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) -> Shape {
        let output = outputShape(shape)
        let perOutput = kernel * kernel * (isDepthwise ? 1 : inputChannels / groups)
        costs.append(
            LayerCost(
                name: name, multiplyAdds: output.count * perOutput, output: output,
                convolution: isDepthwise || groups > 1 ? nil : convolutionShape(shape)))
        return output
    }

    /// This convolution and the batch norm after it, as an operation.
    func operation(_ norm: BatchNormOperation) -> ConvolutionOperation {
        ConvolutionOperation(weight: weight, stride: stride, padding: padding, groups: isDepthwise ? inputChannels : groups, norm: norm)
    }

    /// [N, H, W, C] → [N, ⌊(H + 2p − k) / s⌋ + 1, likewise, output channels].
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
