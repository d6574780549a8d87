/// 3×3 convolutions of stride 1 by Winograd's F(m×m, 3×3). A tile of m × m outputs needs (m + 2)² products instead of 9m².
///
/// The kernel transforms the images, multiplies them with the transformed weights at each of (m + 2)² positions, and applies the output
/// transform (`WinogradForward`, `WinogradBackward`). Transforms run in parallel over rows of tiles. Products run in parallel over
/// positions or parts of the channels.
struct WinogradConvolution: ConvolutionKernel {
    let context: KernelContext
    let shape: ConvolutionShape
    let algorithm: any WinogradAlgorithm.Type
    let tileRows: WinogradTileRows
    /// The layouts of U and Uᵀ.
    let forwardLayout: WinogradWeightLayout
    let backwardLayout: WinogradWeightLayout
    private let chunks: WinogradChunks

    init(_ shape: ConvolutionShape, _ algorithm: any WinogradAlgorithm.Type, _ context: KernelContext) {
        precondition(shape.allowsWinograd, "Winograd's transforms do not support \(shape)")
        self.context = context
        self.shape = shape
        self.algorithm = algorithm
        tileRows = WinogradTileRows(shape, algorithm, context)
        chunks = WinogradChunks(shape, algorithm, context.buffers)
        func layout(rows: Int, columns: Int) -> WinogradWeightLayout {
            // Each part is a product of its own, so panels never need to be wider than a part.
            let part = min(columns, context.winogradProducts.blocking.winogradPartChannels)
            return WinogradWeightLayout(
                rows: rows, columns: columns, positions: algorithm.inputs,
                panelWidth: context.winogradProducts.packedLayout(depth: rows, columns: part).panelWidth)
        }
        forwardLayout = layout(rows: shape.inputChannels, columns: shape.outputChannels)
        backwardLayout = layout(rows: shape.outputChannels, columns: shape.inputChannels)
    }

    /// One slot per row of tiles.
    var forwardSlots: Int { shape.batch * tileRows.perImage }
    /// One slot per image.
    var backwardSlots: Int { shape.batch }

    private var forwardParts: WinogradParts { WinogradParts(forwardLayout, hasGradients: false, chunks, context) }

    var preparedLayout: PreparedLayout { .winograd(outputs: algorithm.outputs, forwardLayout) }

    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutableRawPointer) {
        forwardParts.prepare(into: prepared.assumingMemoryBound(to: Float.self)) { transformForward(weights, $0) }
    }

    func forward(input: Rows, prepared: UnsafeRawPointer, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        withoutActuallyEscaping(finish) { finish in
            let pass = WinogradForward(convolution: self, input: input, weights: nil, output: output, finish: finish)
            forwardParts.run(pass, prepared: prepared.assumingMemoryBound(to: Float.self))
        }
    }

    func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        withoutActuallyEscaping(finish) { finish in
            forwardParts.run(WinogradForward(convolution: self, input: input, weights: weights, output: output, finish: finish))
        }
    }

    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        if shape.batch == 0 { return }
        let parts = WinogradParts(backwardLayout, hasGradients: true, chunks, context)
        withTransposed(inputGradient == nil ? nil : weights) { transposed in
            parts.run(
                WinogradBackward(
                    convolution: self, input: input, outputGradient: outputGradient, transposedWeights: transposed,
                    weightGradient: weightGradient, inputGradient: inputGradient))
        }
    }

    // MARK: - Weights

    private var weightCount: Int { shape.inputChannels * shape.outputChannels }

    /// The index of a position in a tile. A tile stores its positions row by row; a group holds the positions of one column.
    func position(_ number: Int, _ group: Int) -> Int { number * algorithm.inputs + group }

    /// Computes U for the part's output channels.
    func transformForward(_ weights: UnsafePointer<Float>, _ part: WinogradPart) { transform(weights, part, forwardLayout) }

    /// Computes Uᵀ for the part's input channels, from transposed weights.
    func transformBackward(_ weights: UnsafePointer<Float>, _ part: WinogradPart) { transform(weights, part, backwardLayout) }

    /// Transforms weights [3, 3, rows, columns] to one matrix [rows × columns of the part] per position.
    private func transform(_ weights: UnsafePointer<Float>, _ part: WinogradPart, _ layout: WinogradWeightLayout) {
        algorithm.transformWeights(
            weights + part.channels.lowerBound, rowStride: layout.columns, tapStride: weightCount, columns: part.channels.count,
            group: part.group, layout, into: part.weights)
    }

    /// weightGradient += the contribution of the part's transformed gradient.
    func addWeightGradient(_ part: WinogradPart, to weightGradient: UnsafeMutablePointer<Float>) {
        algorithm.addWeightsAdjoint(
            part.gradient, count: part.channels.count * shape.outputChannels, positionStride: part.gradientStride, group: part.group,
            to: weightGradient + part.channels.lowerBound * shape.outputChannels, tapStride: weightCount)
    }

    /// Calls `body` with the weights as [3, 3, output, input].
    private func withTransposed(_ weights: UnsafePointer<Float>?, _ body: (UnsafePointer<Float>?) -> Void) {
        guard let weights else { return body(nil) }
        let taps = 9
        context.buffers.withScratch(taps * weightCount) { transposed in
            context.threads.forEach(taps) { tap in
                Elementwise.transpose(
                    weights + tap * weightCount, rows: shape.inputChannels, columns: shape.outputChannels,
                    into: transposed + tap * weightCount)
            }
            body(transposed)
        }
    }
}
