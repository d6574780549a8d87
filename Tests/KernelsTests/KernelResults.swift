import TestSupport
import XCTest

@testable import Kernels

/// The results of a forward and a backward pass of a kernel.
struct KernelResults: Equatable {
    var output: [Float]
    var inputGradient: [Float]
    var weightGradient: [Float]
}

extension KernelResults {
    /// Runs the kernel with operands that are computed as they are read. Checks that the finishers receive every element once.
    ///
    /// The weight gradient is added to values, and so is the input's gradient if `accumulates`. Other results replace NaN.
    ///
    /// - Parameters:
    ///   - weightCount: the number of weights.
    ///   - prepare: changes input, weights and the gradient of the output.
    init(
        _ kernel: ConvolutionKernel, _ s: ConvolutionShape, weightCount: Int, accumulates: Bool, prepare: ([Float]) -> [Float] = { $0 }
    ) {
        let input = prepare(Formula.values("x", s.inputPixels * s.inputChannels))
        let weights = prepare(Formula.values("w", weightCount))
        let gradient = prepare(Formula.values("g", s.outputPixels * s.outputChannels))
        output = [Float](repeating: .nan, count: gradient.count)
        inputGradient = accumulates ? Formula.values("before", input.count) : [Float](repeating: .nan, count: input.count)
        weightGradient = Formula.values("before", weightCount)
        let forward = Visits(slots: kernel.forwardSlots, rows: s.outputPixels, channels: s.outputChannels)
        kernel.forward(input: .copied(input, channels: s.inputChannels), weights: weights, output: &output, finish: forward.visit)
        forward.check("forward \(s)")
        let backward = Visits(slots: kernel.backwardSlots, rows: s.inputPixels, channels: s.inputChannels)
        inputGradient.withUnsafeMutableBufferPointer {
            kernel.backward(
                input: .copied(input, channels: s.inputChannels), outputGradient: .copied(gradient, channels: s.outputChannels),
                weights: weights,
                weightGradient: &weightGradient,
                inputGradient: InputGradient(
                    $0.baseAddress!, accumulates: accumulates, finish: { backward.visit($0, $1, 0..<s.inputChannels) }))
        }
        backward.check("backward \(s)")
    }
}

extension Rows {
    /// Rows of a matrix that are copied as they are read.
    static func copied(_ values: [Float], channels: Int) -> Rows {
        .computed { rows, target in
            values.withUnsafeBufferPointer {
                target.update(from: $0.baseAddress! + rows.lowerBound * channels, count: rows.count * channels)
            }
        }
    }
}
