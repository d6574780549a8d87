import TestSupport
import XCTest

@testable import Kernels

/// Compares every kernel, with each implementation of products, with im2col on OpenBLAS. Covers computed and stored operands, accumulated
/// gradients and finishers. (`ConvolutionTests` compares im2col on OpenBLAS with the definition.)
final class ConvolutionKernelTests: XCTestCase {
    /// Batch, height, width, input channels, output channels, kernel, stride. The second shape is large enough for the pointwise kernel's
    /// two sweeps. The third row covers Winograd in slices of channels, Winograd in two chunks of images, and few pixels with many
    /// channels. The channels of the last row are not multiples of a vector or a panel.
    private let shapes: [ConvolutionShape] = [
        (3, 24, 23, 16, 24, 1, 1), (5, 7, 7, 264, 256, 1, 1), (1, 14, 14, 8, 16, 1, 1), (2, 9, 8, 5, 3, 3, 2), (2, 17, 15, 3, 8, 7, 2),
        (2, 13, 10, 16, 8, 3, 1), (2, 7, 7, 8, 6, 1, 2),
        (2, 8, 8, 168, 184, 3, 1), (3, 56, 56, 64, 8, 3, 1), (1, 7, 7, 64, 272, 1, 1), (1, 7, 7, 16, 272, 3, 2),
        (2, 9, 9, 37, 75, 1, 1), (2, 9, 9, 13, 35, 3, 1), (1, 11, 10, 72, 136, 3, 1),
    ].map {
        ConvolutionShape(
            batch: $0.0, inputHeight: $0.1, inputWidth: $0.2, inputChannels: $0.3, outputChannels: $0.4, kernel: $0.5, stride: $0.6,
            padding: ($0.5 - 1) / 2)
    }

    /// Returns all kernels that support the shape.
    private func kernels(_ s: ConvolutionShape, _ context: KernelContext) -> [ConvolutionKernel] {
        var kernels: [ConvolutionKernel] = [PatchConvolution(s, context)]
        if s.isPointwise { kernels.append(PointwiseConvolution(s, context)) }
        if s.allowsWinograd {
            kernels += [WinogradConvolution(s, WinogradF2.self, context), WinogradConvolution(s, WinogradF4.self, context)]
        }
        return kernels
    }

    private func label(_ kernel: ConvolutionKernel, _ s: ConvolutionShape) -> String {
        "\(type(of: kernel)), \(kernel.context.products.kind), \(s)"
    }

    /// - Parameter prepare: changes input, weights and the gradient of the output.
    private func run(
        _ kernel: ConvolutionKernel, _ s: ConvolutionShape, accumulates: Bool, prepare: ([Float]) -> [Float] = { $0 }
    ) -> KernelResults {
        KernelResults(kernel, s, weightCount: s.patchLength * s.outputChannels, accumulates: accumulates, prepare: prepare)
    }

    private func expected(_ s: ConvolutionShape, accumulates: Bool) -> KernelResults {
        let inputCount = s.batch * s.inputHeight * s.inputWidth * s.inputChannels
        let input = Formula.values("x", inputCount), weights = Formula.values("w", s.patchLength * s.outputChannels)
        let gradient = Formula.values("g", s.outputPixels * s.outputChannels)
        var results = KernelResults(
            output: [Float](repeating: 0, count: gradient.count), inputGradient: Formula.values("before", inputCount),
            weightGradient: Formula.values("before", weights.count))
        let kernel = PatchConvolution(s, KernelContext.test.with(products: .openblas))
        kernel.forward(input: input, weights: weights, output: &results.output)
        kernel.backward(
            input: input, outputGradient: gradient, weights: weights, weightGradient: &results.weightGradient,
            inputGradient: &results.inputGradient, accumulates: accumulates)
        return results
    }

    /// Tolerance: the rounding error of F(4×4, 3×3) is up to 1.1e-6 of the result's norm (`WinogradTests`). The error of the other kernels
    /// is a third of that.
    func testEveryKernelAgreesWithOpenBLASAndFinishesEveryElementOnce() {
        for s in shapes {
            for accumulates in [false, true] {
                let wanted = expected(s, accumulates: accumulates)
                for kernel in KernelContext.testOfEachProducts.flatMap({ kernels(s, $0) }) {
                    let actual = run(kernel, s, accumulates: accumulates)
                    let label = "\(label(kernel, s)), accumulates \(accumulates)"
                    XCTAssertLessThan(relativeDifference(actual.output, wanted.output), 2e-6, label)
                    XCTAssertLessThan(relativeDifference(actual.inputGradient, wanted.inputGradient), 2e-6, label)
                    XCTAssertLessThan(relativeDifference(actual.weightGradient, wanted.weightGradient), 2e-6, label)
                }
            }
        }
    }

    /// A backward pass in parts of the batch adds the same terms in another order.
    func testABackwardPassInPartsOfTheBatchAgreesWithOneAtOnce() {
        for s in shapes where s.batch > 1 {
            for accumulates in [false, true] {
                let whole = run(PatchConvolution(s, .test), s, accumulates: accumulates)
                for images in 1..<s.batch {
                    let parts = run(PatchConvolution(s, .test, imagesAtOnce: images), s, accumulates: accumulates)
                    XCTAssertEqual(parts.inputGradient, whole.inputGradient, "\(s), \(images) at once")
                    XCTAssertLessThan(relativeDifference(parts.weightGradient, whole.weightGradient), 1e-6, "\(s), \(images) at once")
                }
            }
        }
    }

    /// In bfloat16, direct convolutions compute with rounded operands, and Winograd's transforms as with floats. Both sum in 32 bits, so a
    /// kernel of floats with the same operands agrees within the tolerance above.
    func testBFloat16RoundsTheOperandsOfDirectConvolutionsOnly() {
        let contexts = InstructionSet.available.map { KernelContext.test.with(products: .tiles, instructions: $0, precision: .bfloat16) }
        for s in shapes {
            for (context, accumulates) in contexts.flatMap({ [($0, false), ($0, true)] }) {
                for (kernel, float) in zip(kernels(s, context), kernels(s, .test)) {
                    let label = "\(label(kernel, s)), \(context.instructions), accumulates \(accumulates)"
                    let actual = run(kernel, s, accumulates: accumulates)
                    guard !(kernel is WinogradConvolution) else {
                        XCTAssertEqual(actual.output, run(float, s, accumulates: accumulates).output, label)
                        continue
                    }
                    let wanted = run(float, s, accumulates: accumulates, prepare: \.roundedToBFloat16)
                    let differences = [
                        relativeDifference(actual.output, wanted.output),
                        relativeDifference(actual.inputGradient, wanted.inputGradient),
                        relativeDifference(actual.weightGradient, wanted.weightGradient),
                    ]
                    XCTAssertLessThan(differences.max()!, 2e-6, "\(label): \(differences)")
                    // The negative control: floats differ.
                    let floats = run(float, s, accumulates: accumulates)
                    XCTAssertGreaterThan(relativeDifference(actual.output, floats.output), 1e-4, label)
                    XCTAssertLessThan(relativeDifference(actual.output, floats.output), 0x1p-8, label)
                }
            }
        }
    }

    func testResultsDoNotDependOnTheNumberOfThreads() {
        let byThreads = [1, 2, 3].map { KernelContext.testsOfEachProducts(threadCount: $0) }
        for index in byThreads[0].indices {
            let contexts = byThreads.map { $0[index] }
            for s in shapes {
                let results = contexts.map { context in kernels(s, context).map { run($0, s, accumulates: true) } }
                for (kernel, one) in results[0].enumerated() {
                    for other in results.dropFirst().map({ $0[kernel] }) {
                        XCTAssertTrue(other == one, "\(contexts[0].productsLabel), kernel \(kernel) of \(s)")
                    }
                }
            }
        }
    }

    /// Uses a multiplier that returns zeros. If a kernel computed a product itself, the result would not be zero.
    func testEveryProductGoesThroughTheContextsMultiplier() {
        for each in KernelContext.testOfEachProducts {
            let context = each.with(products: ZeroMultiplier(each.products))
            for s in shapes {
                for kernel in kernels(s, context) {
                    let results = run(kernel, s, accumulates: false)
                    XCTAssertTrue(results.output.allSatisfy { $0 == 0 }, "forward \(label(kernel, s))")
                    XCTAssertTrue(results.inputGradient.allSatisfy { $0 == 0 }, "input gradient \(label(kernel, s))")
                    XCTAssertTrue(
                        results.weightGradient == Formula.values("before", results.weightGradient.count),
                        "weight gradient \(label(kernel, s))")
                }
            }
        }
    }

    func testPreparedWeightsGiveTheSameBits() {
        for s in shapes {
            let input = Formula.values("x", s.inputPixels * s.inputChannels)
            let weights = Formula.values("w", s.patchLength * s.outputChannels)
            for kernel in KernelContext.testOfEachProducts.flatMap({ kernels(s, $0) }) {
                var once = [Float](repeating: .nan, count: s.outputPixels * s.outputChannels), again = once
                kernel.forward(input: .copied(input, channels: s.inputChannels), weights: weights, output: &once) { _, _, _ in }
                let buffers = kernel.context.buffers, byteCount = kernel.preparedLayout.byteCount
                let prepared = buffers.take(byteCount: byteCount)
                defer { buffers.give(prepared, byteCount: byteCount) }
                kernel.prepare(weights, into: prepared)
                kernel.forward(input: .copied(input, channels: s.inputChannels), prepared: prepared, output: &again) { _, _, _ in }
                XCTAssertEqual(once, again, label(kernel, s))
            }
        }
    }

    /// Different kernels and implementations of products read different layouts. One Winograd kernel reads the same layout at any image
    /// size.
    func testPreparedLayoutsOfDifferentKernelsDiffer() {
        let s = shapes[5]
        let layouts = KernelContext.testOfEachProducts.flatMap { kernels(s, $0).map(\.preparedLayout) }
        // im2col and two Winograd tiles.
        let count = 3 * KernelContext.testOfEachProducts.count
        XCTAssertEqual(layouts.count, count)
        XCTAssertEqual(Set(layouts).count, count)
        var larger = s
        larger.inputHeight += 4
        XCTAssertEqual(
            WinogradConvolution(larger, WinogradF4.self, .test).preparedLayout,
            WinogradConvolution(s, WinogradF4.self, .test).preparedLayout)
    }

    /// Covers deep sums, and blocks of one or of several images. 520 channels are not a multiple of the depth that a product processes at a
    /// time. If patches were divided by block size, the sums would be rounded in other places.
    func testAnImageHasTheSameBitsInAnyBatch() {
        for (size, inputs, window) in [(4, 520, 3), (4, 1100, 1), (20, 24, 3)] {
            let images = 5
            func shape(_ batch: Int) -> ConvolutionShape {
                ConvolutionShape(
                    batch: batch, inputHeight: size, inputWidth: size, inputChannels: inputs, outputChannels: 40, kernel: window,
                    stride: 1, padding: window / 2)
            }
            func output(_ s: ConvolutionShape, _ input: ArraySlice<Float>) -> [Float] {
                let kernel: ConvolutionKernel = window == 1 ? PointwiseConvolution(s, .test) : PatchConvolution(s, .test)
                var output = [Float](repeating: .nan, count: s.outputPixels * s.outputChannels)
                kernel.forward(
                    input: .copied(Array(input), channels: inputs), weights: Formula.values("w", s.patchLength * s.outputChannels),
                    output: &output
                ) { _, _, _ in }
                return output
            }
            let imageFloats = size * size * inputs
            let input = Formula.values("x", images * imageFloats)
            let together = output(shape(images), input[...])
            let apart = (0..<images).flatMap { output(shape(1), input[$0 * imageFloats..<($0 + 1) * imageFloats]) }
            XCTAssertTrue(together == apart, "\(size)×\(size), \(inputs) channels, \(window)×\(window)")
        }
    }

    func testSelectsTheKernelByShape() {
        func kernel(
            _ batch: Int, _ size: Int, _ channels: Int, kernel: Int = 3, stride: Int = 1, keepsWeights: Bool = false,
            winograd: WinogradUse = .wherePays
        ) -> ConvolutionKernel {
            ConvolutionKernels.kernel(
                for: ConvolutionShape(
                    batch: batch, inputHeight: size, inputWidth: size, inputChannels: channels, outputChannels: channels,
                    kernel: kernel, stride: stride, padding: (kernel - 1) / 2), isDepthwise: false, keepsWeights: keepsWeights,
                KernelContext(threadCount: 1, winograd: winograd))
        }
        func algorithm(_ kernel: ConvolutionKernel) -> String? {
            (kernel as? WinogradConvolution).map { "\($0.algorithm)" }
        }
        XCTAssertEqual(algorithm(kernel(16, 56, 64)), "WinogradF4")
        XCTAssertEqual(algorithm(kernel(32, 4, 512)), "WinogradF4")
        XCTAssertEqual(algorithm(kernel(8, 4, 512)), "WinogradF2", "too few tiles for the weights of F(4×4, 3×3)")
        XCTAssertEqual(algorithm(kernel(32, 6, 512)), "WinogradF2", "equally many products, fewer weights")
        XCTAssertTrue(kernel(1, 7, 512) is PatchConvolution, "too few tiles for the weights' transform")
        XCTAssertEqual(algorithm(kernel(1, 7, 512, keepsWeights: true)), "WinogradF2")
        XCTAssertTrue(kernel(1, 4, 512, keepsWeights: true) is PatchConvolution)
        XCTAssertEqual(algorithm(kernel(32, 2, 512)), "WinogradF2")
        XCTAssertTrue(kernel(32, 1, 512) is PatchConvolution, "the image covers one of four pixels of a tile")
        XCTAssertTrue(kernel(16, 56, 60) is PatchConvolution, "channels are not a multiple of 8")
        XCTAssertTrue(kernel(16, 56, 64, stride: 2) is PatchConvolution)
        XCTAssertTrue(kernel(16, 56, 64, kernel: 1) is PointwiseConvolution)
        XCTAssertTrue(kernel(16, 56, 64, winograd: .never) is PatchConvolution)
    }
}

/// A multiplier with the layout and blocking of another one. All of its products are zero.
private struct ZeroMultiplier: MatrixMultiplier {
    private let other: any MatrixMultiplier
    var kind: ProductsKind { other.kind }
    var blocking: Blocking { other.blocking }
    var convolutionCost: ConvolutionCostModel { other.convolutionCost }

    init(_ other: any MatrixMultiplier) { self.other = other }

    func packedLayout(depth: Int, columns: Int) -> PackedLayout { other.packedLayout(depth: depth, columns: columns) }

    func multiply(_ a: MatrixView, _ b: RightOperand, into c: ResultView, accumulates: Bool, _ buffers: BufferPool) {
        clear(c, accumulates)
    }

    func multiplyPlain(_ a: MatrixView, _ b: MatrixView, into c: ResultView, accumulates: Bool) { clear(c, accumulates) }

    private func clear(_ c: ResultView, _ accumulates: Bool) {
        guard !accumulates else { return }
        for row in 0..<c.rows { (c.values + row * c.leading).update(repeating: 0, count: c.columns) }
    }
}
