import Kernels
import TestSupport

@testable import NeuralNetwork

// Layers that the networks only use fused with others. They run separately here, from the same components.

extension Convolution2D {
    func forward(_ input: Tensor) -> Tensor {
        let output = Tensor(outputShape(input.shape))
        kernel(input.shape, keepsWeights: false, input.context).forward(
            input: .stored(input.data), weights: weight.values, output: output.data
        ) {
            _, _, _ in
        }
        return output
    }

    /// Adds to the gradient of the weights and returns the gradient of the input.
    func backward(_ outputGradient: Tensor, input: Tensor) -> Tensor {
        let result = Tensor(input.shape)
        kernel(input.shape, keepsWeights: false, input.context).backward(
            input: .stored(input.data), outputGradient: .stored(outputGradient.data), weights: weight.values,
            weightGradient: weight.gradient, inputGradient: InputGradient(result.data, accumulates: false) { _, _ in })
        return result
    }
}

extension ResolutionAwareBatchNorm {
    typealias Alone = (output: Tensor, pullback: ((Tensor) throws -> (input: Tensor, residual: Tensor))?)

    /// Returns activation(norm(input) (+ residual)).
    func forward(_ input: Tensor, residual: Tensor? = nil, _ pass: Pass) throws -> Alone {
        let shape = input.shape
        let output = Tensor(shape)
        let residual = residual.map { tensor in
            Rows.computed { rows, target in
                target.update(from: tensor.data + rows.lowerBound * shape.channels, count: rows.count * shape.channels)
            }
        }
        if pass.mode == .evaluation {
            evaluationNormalization(pass).applyInParallel(
                .float32(input.data), count: shape.pixels, residual: residual, into: .float32(output.data), input.context)
            return (output, nil)
        }
        let sums = ChannelSums(slots: 1, channels: shape.channels, rowsPerImage: shape.height * shape.width, input.context)
        sums.addMoments(0, 0..<shape.pixels, 0..<shape.channels, of: .float32(input.data), shift: shift(pass))
        let normalization = try trainingNormalization(sums.total, count: shape.pixels, pass)
        normalization.factors.applyInParallel(
            .float32(input.data), count: shape.pixels, residual: residual, into: .float32(output.data), input.context)
        let source = FeatureMap.Source(convolved: KeptValues(input), normalization: normalization.factors)
        let map = residual == nil ? FeatureMap(source) : FeatureMap(KeptValues(output), source: source)
        return (
            output,
            { gradient in
                try self.backward(normalization, sums: map.gradientSums(gradient), pass)
                let result = Tensor(shape)
                normalization.factors.inputGradient(
                    gradient: gradient.data, input: .float32(input.data), output: map.stored?.matrix, rows: 0..<shape.pixels,
                    into: result.data)
                return (result, gradient)
            }
        )
    }
}
