import TestSupport
import XCTest

@testable import Kernels

/// Compares the fast kernels with loops in double precision that follow the definition. Tolerance: 1e-5 of the sum's scale.
final class ConvolutionTests: XCTestCase {
    private let shapes: [ConvolutionShape] = [
        (1, 5, 5, 3, 4, 3, 1, 1), (2, 8, 9, 1, 1, 3, 1, 1), (2, 9, 8, 5, 3, 3, 2, 1), (3, 14, 14, 16, 24, 1, 1, 0),
        (1, 7, 7, 8, 6, 1, 2, 0),
        (2, 17, 15, 3, 8, 7, 2, 3), (1, 1, 1, 64, 32, 3, 1, 1), (1, 2, 2, 7, 5, 3, 2, 1), (2, 24, 24, 40, 16, 3, 1, 1),
        (0, 4, 4, 2, 2, 3, 1, 1),
    ].map {
        ConvolutionShape(
            batch: $0.0, inputHeight: $0.1, inputWidth: $0.2, inputChannels: $0.3, outputChannels: $0.4, kernel: $0.5, stride: $0.6,
            padding: $0.7)
    }

    /// Calls `body(output element, input element, weight element)` for every product of a convolution.
    private func forEachProduct(_ s: ConvolutionShape, isDepthwise: Bool = false, _ body: (Int, Int, Int) -> Void) {
        for n in 0..<s.batch {
            for row in 0..<s.outputHeight {
                for column in 0..<s.outputWidth {
                    for i in 0..<s.kernel {
                        for j in 0..<s.kernel {
                            let (y, x) = (row * s.stride - s.padding + i, column * s.stride - s.padding + j)
                            guard (0..<s.inputHeight).contains(y), (0..<s.inputWidth).contains(x) else { continue }
                            let input = ((n * s.inputHeight + y) * s.inputWidth + x) * s.inputChannels
                            let output = ((n * s.outputHeight + row) * s.outputWidth + column) * s.outputChannels
                            for a in 0..<s.inputChannels {
                                for b in isDepthwise ? a..<a + 1 : 0..<s.outputChannels {
                                    let weight =
                                        isDepthwise
                                        ? (i * s.kernel + j) * s.inputChannels + a
                                        : ((i * s.kernel + j) * s.inputChannels + a) * s.outputChannels + b
                                    body(output + b, input + a, weight)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func naive(
        _ s: ConvolutionShape, isDepthwise: Bool, _ count: Int, _ term: @escaping (Int, Int, Int) -> (Int, Double)
    ) -> [Float] {
        var sums = [Double](repeating: 0, count: count)
        forEachProduct(s, isDepthwise: isDepthwise) {
            let (index, value) = term($0, $1, $2)
            sums[index] += value
        }
        return sums.map { Float($0) }
    }

    private func check(_ s: ConvolutionShape, isDepthwise: Bool, _ context: KernelContext) {
        let inputCount = s.batch * s.inputHeight * s.inputWidth * s.inputChannels
        let outputCount = s.outputPixels * s.outputChannels
        let weightCount = s.kernel * s.kernel * s.inputChannels * (isDepthwise ? 1 : s.outputChannels)
        let input = Formula.values("x", inputCount), weights = Formula.values("w", weightCount)
        let gradient = Formula.values("g", outputCount)
        let label = "\(s) depthwise \(isDepthwise), \(context.products.kind)"
        var output = [Float](repeating: .nan, count: outputCount), inputGradient = [Float](repeating: .nan, count: inputCount)
        var weightGradient = Formula.values("before", weightCount)
        let kernel: ConvolutionKernel = isDepthwise ? DepthwiseConvolution(s, context) : PatchConvolution(s, context)
        kernel.forward(input: input, weights: weights, output: &output)
        kernel.backward(
            input: input, outputGradient: gradient, weights: weights, weightGradient: &weightGradient, inputGradient: &inputGradient)
        let terms = Float(s.patchLength).squareRoot()
        assertClose(
            output, naive(s, isDepthwise: isDepthwise, outputCount) { ($0, Double(input[$1]) * Double(weights[$2])) },
            absoluteTolerance: 1e-5 * terms, "forward \(label)")
        assertClose(
            inputGradient, naive(s, isDepthwise: isDepthwise, inputCount) { ($1, Double(gradient[$0]) * Double(weights[$2])) },
            absoluteTolerance: 1e-5 * terms, "input gradient \(label)")
        let before = Formula.values("before", weightCount)
        let expected = naive(s, isDepthwise: isDepthwise, weightCount) { ($2, Double(input[$1]) * Double(gradient[$0])) }
        assertClose(
            weightGradient, zip(expected, before).map { $0 + $1 }, absoluteTolerance: 1e-5 * Float(max(s.outputPixels, 1)).squareRoot(),
            "weight gradient \(label)")
    }

    func testDenseConvolutionsAgreeWithTheDefinition() {
        for context in KernelContext.testOfEachProducts {
            for shape in shapes { check(shape, isDepthwise: false, context) }
        }
    }

    func testDepthwiseConvolutionsAgreeWithTheDefinition() {
        for var shape in shapes {
            shape.outputChannels = shape.inputChannels
            check(shape, isDepthwise: true, .test)
        }
    }

    func testAccumulatingAddsToExistingValues() {
        for s in shapes where s.batch > 0 {
            let count = s.batch * s.inputHeight * s.inputWidth * s.inputChannels
            let gradient = Formula.values("g", s.outputPixels * s.outputChannels)
            let weights = Formula.values("w", s.patchLength * s.outputChannels)
            var plain = [Float](repeating: .nan, count: count)
            var added = Formula.values("before", count)
            let input = Formula.values("x", count), kernel = PatchConvolution(s, .test)
            var unused = weights
            kernel.backward(input: input, outputGradient: gradient, weights: weights, weightGradient: &unused, inputGradient: &plain)
            kernel.backward(
                input: input, outputGradient: gradient, weights: weights, weightGradient: &unused, inputGradient: &added, accumulates: true)
            assertClose(
                added, zip(plain, Formula.values("before", count)).map { $0 + $1 }, absoluteTolerance: 1e-4, "accumulate \(s)")
        }
    }
}
