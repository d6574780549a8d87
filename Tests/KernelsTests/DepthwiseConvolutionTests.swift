import TestSupport
import XCTest

@testable import Kernels

/// Compares depthwise convolutions of several bands with loops in double precision. Operands are computed as they are read, and the memory
/// beyond the rows of a band is not there. (`ConvolutionTests` covers small images.)
final class DepthwiseConvolutionTests: XCTestCase {
    /// Batch, height, width, channels, kernel, stride: one and several bands, whole and partial vectors, all widths of a block of pixels.
    private let shapes: [ConvolutionShape] =
        [
            (2, 30, 9, 32, 3, 1), (1, 31, 12, 24, 3, 2), (2, 112, 40, 48, 3, 1), (1, 112, 37, 16, 5, 2), (2, 33, 7, 13, 5, 1),
            (1, 14, 14, 40, 7, 1), (2, 9, 8, 11, 1, 2), (1, 8, 16, 16, 3, 3), (1, 6, 2, 8, 5, 2),
        ].map {
            ConvolutionShape(
                batch: $0.0, inputHeight: $0.1, inputWidth: $0.2, inputChannels: $0.3, outputChannels: $0.3, kernel: $0.4, stride: $0.5,
                padding: ($0.4 - 1) / 2)
        }

    /// Calls `body(output, input, weight)` for every product.
    private func forEachProduct(_ s: ConvolutionShape, _ body: (Int, Int, Int) -> Void) {
        for image in 0..<s.batch {
            for (row, column) in (0..<s.outputHeight).flatMap({ row in (0..<s.outputWidth).map { (row, $0) } }) {
                for (i, j) in (0..<s.kernel).flatMap({ i in (0..<s.kernel).map { (i, $0) } }) {
                    let (y, x) = (row * s.stride - s.padding + i, column * s.stride - s.padding + j)
                    guard 0..<s.inputHeight ~= y, 0..<s.inputWidth ~= x else { continue }
                    let output = ((image * s.outputHeight + row) * s.outputWidth + column) * s.inputChannels
                    let input = ((image * s.inputHeight + y) * s.inputWidth + x) * s.inputChannels
                    for channel in 0..<s.inputChannels {
                        body(output + channel, input + channel, (i * s.kernel + j) * s.inputChannels + channel)
                    }
                }
            }
        }
    }

    private func run(_ s: ConvolutionShape, _ context: KernelContext, accumulates: Bool) -> KernelResults {
        KernelResults(DepthwiseConvolution(s, context), s, weightCount: s.patchLength, accumulates: accumulates)
    }

    func testBandsAgreeWithTheDefinition() {
        for (s, accumulates) in shapes.flatMap({ [($0, false), ($0, true)] }) {
            let actual = run(s, .test, accumulates: accumulates)
            let count = s.inputPixels * s.inputChannels
            let (input, weights) = (Formula.values("x", count), Formula.values("w", s.patchLength))
            let gradient = Formula.values("g", s.outputPixels * s.inputChannels)
            var output = [Double](repeating: 0, count: gradient.count)
            var inputGradient = accumulates ? Formula.values("before", count).map(Double.init) : [Double](repeating: 0, count: count)
            var weightGradient = Formula.values("before", weights.count).map(Double.init)
            forEachProduct(s) {
                output[$0] += Double(input[$1]) * Double(weights[$2])
                inputGradient[$1] += Double(gradient[$0]) * Double(weights[$2])
                weightGradient[$2] += Double(gradient[$0]) * Double(input[$1])
            }
            assertClose(actual.output, output.map(Float.init), absoluteTolerance: 1e-5 * Float(s.kernel), "\(s)")
            assertClose(actual.inputGradient, inputGradient.map(Float.init), absoluteTolerance: 1e-5 * Float(s.kernel), "\(s)")
            assertClose(
                actual.weightGradient, weightGradient.map(Float.init), absoluteTolerance: 1e-5 * Float(s.outputPixels).squareRoot(), "\(s)")
        }
    }

    func testResultsDoNotDependOnTheNumberOfThreads() {
        for s in shapes {
            let one = run(s, KernelContext(threadCount: 1), accumulates: true)
            XCTAssertEqual(run(s, KernelContext(threadCount: 3), accumulates: true), one, "\(s)")
        }
    }

    /// A shape of the test has several bands, and the last one is lower.
    func testTheShapesHaveSeveralBands() {
        XCTAssertEqual(shapes.map { DepthwiseConvolution($0, .test).forwardSlots / $0.batch }, [4, 4, 4, 4, 4, 4, 2, 1, 1])
    }
}
