@testable import Kernels

// Convenience functions that run kernels on arrays without finishers.

extension ConvolutionKernel {
    func forward(input: [Float], weights: [Float], output: inout [Float]) {
        input.withUnsafeBufferPointer {
            forward(input: .stored($0.baseAddress!), weights: weights, output: &output) { _, _, _ in }
        }
    }

    func backward(
        input: [Float], outputGradient: [Float], weights: [Float], weightGradient: inout [Float], inputGradient: inout [Float],
        accumulates: Bool = false
    ) {
        input.withUnsafeBufferPointer { input in
            outputGradient.withUnsafeBufferPointer { outputGradient in
                inputGradient.withUnsafeMutableBufferPointer { inputGradient in
                    backward(
                        input: .stored(input.baseAddress!), outputGradient: .stored(outputGradient.baseAddress!), weights: weights,
                        weightGradient: &weightGradient,
                        inputGradient: InputGradient(inputGradient.baseAddress!, accumulates: accumulates) { _, _ in })
                }
            }
        }
    }
}
