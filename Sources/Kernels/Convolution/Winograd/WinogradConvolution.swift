/// 3×3 convolutions of stride 1 by Winograd's F(m×m, 3×3): for tiles of m × m outputs (m + 2)² products instead of 9m².
///
/// Forward: M = V U for each of (m + 2)² positions, V the transformed input [tiles × input channels], U the transformed weights. The backward pass
/// is the exact adjoint, which needs U and no transform of turned weights: with D the transformed gradient of the output,
/// dV = D Uᵀ and dU += Vᵀ D.
///
/// Images go in chunks, so that the matrices stay in the last-level cache between the transforms and the products. Transforms are parallel
/// over rows of tiles, products over positions.
struct WinogradConvolution: ConvolutionKernel {
    let context: KernelContext
    private let shape: ConvolutionShape
    let algorithm: any WinogradAlgorithm.Type
    private let tileRows: WinogradTileRows
    private let chunkImages: Int

    /// Floats of the transformed input of a chunk (4 MiB).
    private static let chunkFloats = 1 << 20
    /// Rows that a product should have at least, so that packing U does not dominate.
    private static let leastRows = 128

    init(_ shape: ConvolutionShape, _ algorithm: any WinogradAlgorithm.Type, _ context: KernelContext) {
        precondition(shape.allowsWinograd, "no Winograd convolution for \(shape)")
        self.context = context
        self.shape = shape
        self.algorithm = algorithm
        tileRows = WinogradTileRows(shape, algorithm, context)
        let channels = max(shape.inputChannels, shape.outputChannels)
        let tiles = max(Self.leastRows, Self.chunkFloats / (algorithm.positions * channels))
        chunkImages = max(1, tiles / tileRows.tilesPerImage)
    }

    /// One a row of tiles.
    var forwardSlots: Int { shape.batch * tileRows.perImage }
    /// One an image.
    var backwardSlots: Int { shape.batch }

    private var forwardParts: WinogradParts {
        WinogradParts(
            channels: shape.outputChannels, groups: algorithm.inputs, layout(rows: shape.inputChannels), hasGradients: false,
            hasOneChunk: shape.batch <= chunkImages, context)
    }

    private func layout(rows: Int) -> WinogradWeights { WinogradWeights(rows: rows, positions: algorithm.inputs) }

    var preparedCount: Int { forwardParts.weightCount }

    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        forwardParts.prepare(prepared) { transformForward(weights, $0) }
    }

    func forward(input: Rows, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        forwardParts.run(prepared: prepared) { forwardChunks(input, output, finish, $0) }
    }

    func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        forwardParts.run(prepare: { transformForward(weights, $0) }, finish: { _ in }) { forwardChunks(input, output, finish, $0) }
    }

    /// U of the part's output channels.
    private func transformForward(_ weights: UnsafePointer<Float>, _ part: WinogradParts.Part) {
        transformWeights(weights, rows: shape.inputChannels, columns: shape.outputChannels, part)
    }

    /// Of weights [3, 3, rows, columns] a matrix [rows × part of the columns] for every position.
    private func transformWeights(_ weights: UnsafePointer<Float>, rows: Int, columns: Int, _ part: WinogradParts.Part) {
        algorithm.transformWeights(
            weights + part.channels.lowerBound, rowStride: columns, tapStride: weightCount, columns: part.channels.count,
            group: part.group, layout(rows: rows), into: part.weights)
    }

    private func forwardChunks(
        _ input: Rows, _ output: UnsafeMutablePointer<Float>, _ finish: BlockFinisher, _ products: WinogradParts.Products
    ) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let layout = layout(rows: inputs)
        forEachChunk { images, tiles in
            withMatrices(tiles, inputs) { values, inputStride in
                tileRows.transformInputs(images, input, into: values, inputStride)
                withMatrices(tiles, outputs) { results, outputStride in
                    products { part, number in
                        let position = position(number, part.group)
                        TiledProduct.multiply(
                            rows: tiles, columns: part.channels.count, depth: inputs,
                            .init(values + position * inputStride, leading: inputs), layout.matrix(number, of: part.weights),
                            into: results + position * outputStride + part.channels.lowerBound, leading: outputs, context.buffers)
                    }
                    tileRows.writeOutputs(images, results, outputStride, output, finish)
                }
            }
        }
    }

    /// Tiles have their positions row by row, a group those of a column.
    private func position(_ number: Int, _ group: Int) -> Int { number * algorithm.inputs + group }

    /// A part is one of the input channels.
    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        if shape.batch == 0 { return }
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let parts = WinogradParts(
            channels: inputs, groups: algorithm.inputs, layout(rows: outputs), hasGradients: true, hasOneChunk: shape.batch <= chunkImages,
            context)
        withTransposed(inputGradient == nil ? nil : weights) { transposed in
            parts.run(
                prepare: { if let transposed { transformWeights(transposed, rows: outputs, columns: inputs, $0) } },
                finish: { part in
                    algorithm.addWeightsAdjoint(
                        part.gradient, count: part.channels.count * outputs, positionStride: part.gradientStride, group: part.group,
                        to: weightGradient + part.channels.lowerBound * outputs, tapStride: weightCount)
                },
                chunks: { backwardChunks(input, outputGradient, inputGradient, $0) })
        }
    }

    private func backwardChunks(
        _ input: Rows, _ outputGradient: Rows, _ inputGradient: InputGradient?, _ products: WinogradParts.Products
    ) {
        forEachChunk { images, tiles in
            withMatrices(tiles, shape.inputChannels) { values, inputStride in
                withMatrices(tiles, shape.outputChannels) { gradients, outputStride in
                    tileRows.transformInputs(images, input, into: values, inputStride)
                    tileRows.transformGradients(images, outputGradient, into: gradients, outputStride)
                    products { part, number in
                        let position = position(number, part.group)
                        multiplyBackward(
                            part, number, tiles: tiles, values + position * inputStride, gradients + position * outputStride,
                            wantsInputGradient: inputGradient != nil, accumulates: images.lowerBound > 0)
                    }
                    if let inputGradient { tileRows.writeInputGradients(images, values, inputStride, inputGradient) }
                }
            }
        }
    }

    /// The products of a part at one of its positions: dU (+)= Vᵀ D, and dV = D Uᵀ, which takes the place of V.
    private func multiplyBackward(
        _ part: WinogradParts.Part, _ number: Int, tiles: Int, _ values: UnsafeMutablePointer<Float>,
        _ gradients: UnsafePointer<Float>, wantsInputGradient: Bool, accumulates: Bool
    ) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let values = values + part.channels.lowerBound
        TiledProduct.multiply(
            rows: part.channels.count, columns: outputs, depth: tiles, .init(transposing: values, leading: inputs),
            .init(gradients, leading: outputs), into: part.gradient + number * part.gradientStride, leading: outputs,
            accumulates: accumulates, context.buffers)
        guard wantsInputGradient else { return }
        TiledProduct.multiply(
            rows: tiles, columns: part.channels.count, depth: outputs, .init(gradients, leading: outputs),
            layout(rows: outputs).matrix(number, of: part.weights), into: values, leading: inputs, context.buffers)
    }

    /// Calls `body` with the weights as [3, 3, outputs, inputs].
    private func withTransposed(_ weights: UnsafePointer<Float>?, _ body: (UnsafePointer<Float>?) -> Void) {
        guard let weights else { return body(nil) }
        context.buffers.withScratch(9 * weightCount) { transposed in
            context.threads.forEach(9) { tap in
                Elementwise.transpose(
                    weights + tap * weightCount, rows: shape.inputChannels, columns: shape.outputChannels,
                    into: transposed + tap * weightCount)
            }
            body(transposed)
        }
    }

    private var weightCount: Int { shape.inputChannels * shape.outputChannels }

    private func forEachChunk(_ body: (_ images: Range<Int>, _ tiles: Int) -> Void) {
        for start in stride(from: 0, to: shape.batch, by: chunkImages) {
            let images = start..<min(start + chunkImages, shape.batch)
            body(images, images.count * tileRows.tilesPerImage)
        }
    }

    /// Scratch for the matrices [tiles × channels] of all positions, and the floats from one to the next: a cache line more than they need, so that the
    /// same element of all of them does not compete for one set of the cache.
    private func withMatrices(_ tiles: Int, _ channels: Int, _ body: (UnsafeMutablePointer<Float>, Int) -> Void) {
        let stride = tiles * channels + 16
        context.buffers.withScratch(algorithm.positions * stride) { body($0, stride) }
    }
}
