import Kernels

/// A linear layer with bias: [N, 1, 1, inputs] → [N, 1, 1, outputs]. The weights are [output, input], as PyTorch's.
public final class Linear: Sendable {
    public let weight: Parameter
    public let bias: Parameter
    public let name: String
    private let inputs: Int
    private let outputs: Int

    /// Outputs of the forward pass, or inputs of the backward pass, that one task computes.
    private static let blockSize = 128

    /// - Parameter isConvolution: whether files have the weights as those of a 1×1 convolution, [output, input, 1, 1].
    init(
        _ name: String, _ registry: ParameterRegistry, from inputs: Int, to outputs: Int,
        weight weightInitializer: Initializer? = nil, bias biasInitializer: Initializer? = nil, isConvolution: Bool = false
    ) {
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        weight = registry.parameter(
            "\(name).weight", [outputs, inputs] + (isConvolution ? [1, 1] : []), isWeight: true,
            weightInitializer ?? .uniform(fanIn: inputs))
        bias = registry.parameter("\(name).bias", [outputs], isWeight: false, biasInitializer ?? .uniform(fanIn: inputs))
    }

    /// The offset in the arena of the first parameter.
    var firstOffset: Int { min(weight.offset, bias.offset) }

    public func forward(_ input: Tensor) -> Tensor {
        let batch = input.shape.batch
        let output = Tensor(Shape(batch: batch, channels: outputs), input.context)
        for image in 0..<batch { output.image(image).update(from: bias.values, count: outputs) }
        let context = input.context
        context.threads.forEachBlock(outputs, blockSize: Self.blockSize) { block in
            context.products.multiplyPlain(
                MatrixView(input.data, rows: batch, columns: inputs),
                MatrixView(transposing: weight.values + block.lowerBound * inputs, rows: inputs, columns: block.count, leading: inputs),
                into: ResultView(output.data + block.lowerBound, rows: batch, columns: block.count, leading: outputs), accumulates: true)
        }
        return output
    }

    /// Adds to the gradients of weight and bias, and returns the input's.
    public func backward(_ outputGradient: Tensor, input: Tensor) -> Tensor {
        let batch = input.shape.batch
        let context = input.context
        context.threads.forEachBlock(outputs, blockSize: Self.blockSize) { block in
            context.products.multiplyPlain(
                MatrixView(transposing: outputGradient.data + block.lowerBound, rows: block.count, columns: batch, leading: outputs),
                MatrixView(input.data, rows: batch, columns: inputs),
                into: ResultView(weight.gradient + block.lowerBound * inputs, rows: block.count, columns: inputs), accumulates: true)
        }
        for image in 0..<batch {
            Elementwise.add(outputGradient.image(image), to: bias.gradient, count: outputs)
        }
        let inputGradient = Tensor(input.shape, input.context)
        context.threads.forEachBlock(inputs, blockSize: Self.blockSize) { block in
            context.products.multiplyPlain(
                MatrixView(outputGradient.data, rows: batch, columns: outputs),
                MatrixView(weight.values + block.lowerBound, rows: outputs, columns: block.count, leading: inputs),
                into: ResultView(inputGradient.data + block.lowerBound, rows: batch, columns: block.count, leading: inputs),
                accumulates: false)
        }
        return inputGradient
    }

    func record(_ input: NetworkValue, in recorder: OperationRecorder) -> NetworkValue {
        recorder.add(name, .linear(weight: weight, bias: bias), [input])
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) {
        let output = Shape(batch: shape.batch, channels: outputs)
        costs.append(LayerCost(name: name, multiplyAdds: output.count * inputs, output: output))
    }
}
