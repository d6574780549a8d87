import TestSupport
import XCTest

@testable import Kernels

/// Compares Winograd's convolution with im2col. The rounding error of the transforms is about 1e-6 of the values' scale; the error of
/// im2col is 2e-7.
final class WinogradTests: XCTestCase {
    private static let shapes: [ConvolutionShape] = [
        (2, 8, 8, 8, 16), (1, 7, 7, 16, 8), (3, 14, 14, 32, 24), (1, 1, 1, 8, 8), (2, 5, 9, 8, 8), (0, 4, 4, 8, 8), (20, 13, 6, 64, 64),
    ].map {
        ConvolutionShape(
            batch: $0.0, inputHeight: $0.1, inputWidth: $0.2, inputChannels: $0.3, outputChannels: $0.4, kernel: 3, stride: 1, padding: 1)
    }

    private struct Results {
        var output: [Float]
        var inputGradient: [Float]
        var weightGradient: [Float]
    }

    private func values(_ s: ConvolutionShape) -> (input: [Float], weights: [Float], gradient: [Float], before: [Float]) {
        let weightCount = s.patchLength * s.outputChannels
        return (
            Formula.values("x", s.batch * s.inputHeight * s.inputWidth * s.inputChannels), Formula.values("w", weightCount),
            Formula.values("g", s.outputPixels * s.outputChannels), Formula.values("before", weightCount)
        )
    }

    private static var algorithms: [any WinogradAlgorithm.Type] { [WinogradF2.self, WinogradF4.self] }

    private func winograd(_ s: ConvolutionShape, _ algorithm: any WinogradAlgorithm.Type, _ context: KernelContext = .test) -> Results {
        let (input, weights, gradient, before) = values(s)
        var results = Results(
            output: [Float](repeating: .nan, count: gradient.count), inputGradient: [Float](repeating: .nan, count: input.count),
            weightGradient: before)
        let convolution = WinogradConvolution(s, algorithm, context)
        let rows = (Self.computed(input, s.inputChannels), Self.computed(gradient, s.outputChannels))
        convolution.forward(input: rows.0, weights: weights, output: &results.output) { _, _, _ in }
        results.inputGradient.withUnsafeMutableBufferPointer {
            convolution.backward(
                input: rows.0, outputGradient: rows.1, weights: weights, weightGradient: &results.weightGradient,
                inputGradient: InputGradient($0.baseAddress!, accumulates: false) { _, _ in })
        }
        return results
    }

    private static func computed(_ source: [Float], _ channels: Int) -> Rows {
        .computed { rows, target in
            source.withUnsafeBufferPointer {
                target.update(from: $0.baseAddress! + rows.lowerBound * channels, count: rows.count * channels)
            }
        }
    }

    private func patches(_ s: ConvolutionShape) -> Results {
        let (input, weights, gradient, before) = values(s)
        var results = Results(
            output: [Float](repeating: .nan, count: gradient.count), inputGradient: [Float](repeating: .nan, count: input.count),
            weightGradient: before)
        let kernel = PatchConvolution(s, .test)
        kernel.forward(input: input, weights: weights, output: &results.output)
        kernel.backward(
            input: input, outputGradient: gradient, weights: weights, weightGradient: &results.weightGradient,
            inputGradient: &results.inputGradient)
        return results
    }

    func testAgreesWithIm2colForwardAndBackward() {
        for algorithm in Self.algorithms {
            for shape in Self.shapes where shape.batch > 0 {
                let actual = winograd(shape, algorithm), expected = patches(shape)
                let label = "\(algorithm) \(shape)"
                XCTAssertLessThan(relativeDifference(actual.output, expected.output), 2e-6, "forward \(label)")
                XCTAssertLessThan(relativeDifference(actual.inputGradient, expected.inputGradient), 2e-6, "input gradient \(label)")
                XCTAssertLessThan(relativeDifference(actual.weightGradient, expected.weightGradient), 2e-6, "weight gradient \(label)")
            }
        }
    }

    /// Vectors of eight floats are 32 bytes, but a caller's memory need not be aligned to them.
    func testResultsCanHaveAnyAlignment() {
        let s = Self.shapes[0]
        let (input, weights, gradient, _) = values(s)
        for algorithm in Self.algorithms {
            let expected = winograd(s, algorithm).output
            let kernel = WinogradConvolution(s, algorithm, .test)
            KernelContext.test.buffers.withScratch(gradient.count + 1) { aligned in
                input.withUnsafeBufferPointer {
                    kernel.forward(input: .stored($0.baseAddress!), weights: weights, output: aligned + 1) { _, _, _ in }
                }
                XCTAssertTrue(expected == Array(UnsafeBufferPointer(start: aligned + 1, count: gradient.count)), "\(algorithm)")
            }
        }
    }

    func testAnEmptyBatchWritesNothing() {
        let shape = Self.shapes.first { $0.batch == 0 }!
        for algorithm in Self.algorithms { XCTAssertEqual(winograd(shape, algorithm).weightGradient, values(shape).before) }
    }

    func testResultsDoNotDependOnTheNumberOfThreads() {
        for algorithm in Self.algorithms {
            func run(threads: Int) -> Results {
                winograd(Self.shapes.last!, algorithm, KernelContext(threadCount: threads))
            }
            let one = run(threads: 1), three = run(threads: 3)
            XCTAssertTrue(
                one.output == three.output && one.inputGradient == three.inputGradient && one.weightGradient == three.weightGradient,
                "\(algorithm)")
        }
    }

    /// The error is the root mean square relative to double precision, over nearly normal inputs of 64 channels (docs/performance.md).
    /// F(2×2, 3×3) is as exact as direct convolution. F(4×4, 3×3) doubles the error.
    func testRoundingErrorMatchesTheDocumentation() {
        let s = ConvolutionShape(
            batch: 2, inputHeight: 16, inputWidth: 16, inputChannels: 64, outputChannels: 64, kernel: 3, stride: 1, padding: 1)
        let input = normal("x", s.batch * s.inputHeight * s.inputWidth * s.inputChannels)
        let weights = normal("w", s.patchLength * s.outputChannels)
        let exact = inDoublePrecision(s, input, weights)
        func error(_ kernel: ConvolutionKernel) -> Double {
            var output = [Float](repeating: .nan, count: exact.count)
            kernel.forward(input: Self.computed(input, s.inputChannels), weights: weights, output: &output) { _, _, _ in }
            let (squares, scale) = zip(output, exact).reduce(into: (0.0, 0.0)) { sums, pair in
                sums.0 += (Double(pair.0) - pair.1) * (Double(pair.0) - pair.1)
                sums.1 += pair.1 * pair.1
            }
            return (squares / scale).squareRoot()
        }
        let direct = error(PatchConvolution(s, .test))
        let (two, four) = (error(WinogradConvolution(s, WinogradF2.self, .test)), error(WinogradConvolution(s, WinogradF4.self, .test)))
        XCTAssertLessThan(direct, 4e-7)
        XCTAssertLessThan(two, 4e-7)
        XCTAssertLessThan(four, 1.1e-6)
        XCTAssertGreaterThan(four, direct, "the matrices of F(4×4, 3×3) have larger elements")
    }

    /// Returns nearly normal values: sums of three uniform numbers, with variance 1.
    private func normal(_ name: String, _ count: Int) -> [Float] {
        let uniform = Formula.values(name, 3 * count)
        return (0..<count).map { uniform[3 * $0] + uniform[3 * $0 + 1] + uniform[3 * $0 + 2] }
    }

    private func inDoublePrecision(_ s: ConvolutionShape, _ input: [Float], _ weights: [Float]) -> [Double] {
        var output = [Double](repeating: 0, count: s.outputPixels * s.outputChannels)
        for pixel in 0..<s.outputPixels {
            let (image, row, column) = (
                pixel / (s.outputHeight * s.outputWidth), pixel / s.outputWidth % s.outputHeight, pixel % s.outputWidth
            )
            for tap in 0..<9 {
                let (y, x) = (row + tap / 3 - 1, column + tap % 3 - 1)
                guard y >= 0, y < s.inputHeight, x >= 0, x < s.inputWidth else { continue }
                for channel in 0..<s.inputChannels {
                    let value = Double(input[((image * s.inputHeight + y) * s.inputWidth + x) * s.inputChannels + channel])
                    let taps = (tap * s.inputChannels + channel) * s.outputChannels
                    for result in 0..<s.outputChannels {
                        output[pixel * s.outputChannels + result] += value * Double(weights[taps + result])
                    }
                }
            }
        }
        return output
    }

    /// Checks each one-dimensional transform and its adjoint: ⟨T x, y⟩ = ⟨x, Tᵀ y⟩ for all unit vectors.
    func testAdjointsAreTransposes() {
        func checkAll<Transform: WinogradTransform>(_: Transform.Type) {
            let (outputs, inputs) = (Transform.outputs, Transform.inputs)
            check(Transform.input, Transform.inputAdjoint, from: inputs, to: inputs, "\(Transform.self) input")
            check(Transform.output, Transform.outputAdjoint, from: inputs, to: outputs, "\(Transform.self) output")
            check(Transform.weights, Transform.weightsAdjoint, from: 3, to: inputs, "\(Transform.self) weights")
        }
        checkAll(WinogradF2.self)
        checkAll(WinogradF4.self)
    }

    private typealias OneDimension = ((Int) -> Channels8, (Int, Channels8) -> Void) -> Void

    private func check(_ transform: OneDimension, _ adjoint: OneDimension, from: Int, to: Int, _ label: String) {
        func matrix(_ transform: OneDimension, _ columns: Int, _ rows: Int) -> [[Float]] {
            (0..<columns).map { column in
                var result = [Float](repeating: .nan, count: rows)
                transform({ Channels8(repeating: $0 == column ? 1 : 0) }, { result[$0] = $1[0] })
                return result
            }
        }
        let forward = matrix(transform, from, to), back = matrix(adjoint, to, from)
        for column in 0..<from {
            for row in 0..<to { XCTAssertEqual(forward[column][row], back[row][column], accuracy: 1e-6, "\(label) [\(row), \(column)]") }
        }
    }
}
