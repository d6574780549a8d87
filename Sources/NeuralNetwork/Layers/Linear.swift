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

    init(
        _ name: String, _ registry: ParameterRegistry, from inputs: Int, to outputs: Int,
        weight weightInitializer: Initializer? = nil, bias biasInitializer: Initializer? = nil
    ) {
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        weight = registry.parameter(
            "\(name).weight", [outputs, inputs], isWeight: true, weightInitializer ?? .uniform(fanIn: inputs))
        bias = registry.parameter("\(name).bias", [outputs], isWeight: false, biasInitializer ?? .uniform(fanIn: inputs))
    }

    public func forward(_ input: Tensor) -> Tensor {
        let batch = input.shape.batch
        let output = Tensor(Shape(batch: batch, channels: outputs), input.context)
        for image in 0..<batch { output.image(image).update(from: bias.values, count: outputs) }
        input.context.threads.forEachBlock(outputs, blockSize: Self.blockSize) { block in
            MatrixProduct.multiply(
                rows: batch, columns: block.count, depth: inputs, input.data, leading: inputs,
                weight.values + block.lowerBound * inputs, leading: inputs, transposedB: true,
                into: output.data + block.lowerBound, leading: outputs, beta: 1)
        }
        return output
    }

    /// Adds to the gradients of weight and bias, and returns the input's.
    public func backward(_ outputGradient: Tensor, input: Tensor) -> Tensor {
        let batch = input.shape.batch
        input.context.threads.forEachBlock(outputs, blockSize: Self.blockSize) { block in
            MatrixProduct.multiply(
                rows: block.count, columns: inputs, depth: batch, outputGradient.data + block.lowerBound, leading: outputs,
                transposedA: true, input.data, leading: inputs, into: weight.gradient + block.lowerBound * inputs, leading: inputs,
                beta: 1)
        }
        for image in 0..<batch {
            Elementwise.add(outputGradient.image(image), to: bias.gradient, count: outputs)
        }
        let inputGradient = Tensor(input.shape, input.context)
        input.context.threads.forEachBlock(inputs, blockSize: Self.blockSize) { block in
            MatrixProduct.multiply(
                rows: batch, columns: block.count, depth: outputs, outputGradient.data, leading: outputs,
                weight.values + block.lowerBound, leading: inputs, into: inputGradient.data + block.lowerBound, leading: inputs)
        }
        return inputGradient
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) {
        let output = Shape(batch: shape.batch, channels: outputs)
        costs.append(LayerCost(name: name, multiplyAdds: output.count * inputs, output: output))
    }
}
