/// 3×3 convolutions of stride 1 by Winograd's F(m×m, 3×3): for tiles of m × m outputs (m + 2)² products instead of 9m².
///
/// Forward: M = V U for each of (m + 2)² positions, V the transformed input [tiles × input channels], U the transformed weights. The backward pass
/// is the exact adjoint, which needs U and no transform of turned weights: with D the transformed gradient of the output,
/// dV = D Uᵀ and dU += Vᵀ D.
///
/// Images go in chunks, so that the matrices stay in the last-level cache between the transforms and the products. Transforms are parallel
/// over rows of tiles, products over positions.
struct WinogradConvolution: ConvolutionKernel {
    private let shape: ConvolutionShape
    let algorithm: any WinogradAlgorithm.Type
    private let tileRows: WinogradTileRows
    private let chunkImages: Int

    /// Floats of the transformed input of a chunk (4 MiB).
    private static let chunkFloats = 1 << 20
    /// Rows that a product should have at least, so that packing U does not dominate.
    private static let leastRows = 128

    init(_ shape: ConvolutionShape, _ algorithm: any WinogradAlgorithm.Type) {
        precondition(shape.allowsWinograd, "no Winograd convolution for \(shape)")
        self.shape = shape
        self.algorithm = algorithm
        tileRows = WinogradTileRows(shape, algorithm)
        let channels = max(shape.inputChannels, shape.outputChannels)
        let tiles = max(Self.leastRows, Self.chunkFloats / (algorithm.positions * channels))
        chunkImages = max(1, tiles / tileRows.tilesPerImage)
    }

    /// One a row of tiles.
    var forwardSlots: Int { shape.batch * tileRows.perImage }
    /// One an image.
    var backwardSlots: Int { shape.batch }

    private var forwardSlices: WinogradSlices {
        WinogradSlices(
            channels: shape.outputChannels, channelFloats: algorithm.weightFloats(rows: shape.inputChannels),
            positions: algorithm.positions, hasOneChunk: shape.batch <= chunkImages)
    }

    var preparedCount: Int { forwardSlices.scratchCount }

    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        forwardSlices.forEach(in: prepared) { transformWeights(weights, outputs: $0, into: $1) }
    }

    func forward(input: Rows, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: RowFinisher) {
        forwardSlices.run(prepared: prepared) { forwardChunks(input, output, finish, $0) }
    }

    func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: RowFinisher) {
        forwardSlices.run(prepare: { transformWeights(weights, outputs: $0, into: $1) }, finish: { _, _ in }) {
            forwardChunks(input, output, finish, $0)
        }
    }

    private func forwardChunks(
        _ input: Rows, _ output: UnsafeMutablePointer<Float>, _ finish: RowFinisher, _ products: WinogradSlices.Products
    ) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        forEachChunk { images, tiles in
            withMatrices(tiles, inputs) { values, inputStride in
                tileRows.transformInputs(images, input, into: values, inputStride)
                withMatrices(tiles, outputs) { results, outputStride in
                    products { slice, position, transformed in
                        TiledProduct.multiply(
                            rows: tiles, columns: slice.count, depth: inputs,
                            .init(values + position * inputStride, leading: inputs),
                            algorithm.matrix(position, of: transformed, WinogradWeights(rows: inputs, columns: slice.count)),
                            into: results + position * outputStride + slice.lowerBound, leading: outputs)
                    }
                    tileRows.writeOutputs(images, results, outputStride, output, finish)
                }
            }
        }
    }

    /// A part is one of the input channels; its scratch holds dU, [inputs × outputs] for every position, and Uᵀ in as many floats or more.
    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        if shape.batch == 0 { return }
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let channelFloats = algorithm.weightFloats(rows: outputs)
        let slices = WinogradSlices(
            channels: inputs, channelFloats: 2 * channelFloats, positions: algorithm.positions,
            hasOneChunk: shape.batch <= chunkImages)
        slices.run(
            prepare: { slice, scratch in
                if inputGradient != nil { transformWeights(weights, inputs: slice, into: scratch + slice.count * channelFloats) }
            },
            finish: { slice, scratch in
                algorithm.addWeightsAdjoint(
                    scratch, count: slice.count * outputs, positionStride: slice.count * (outputs + 1),
                    to: weightGradient + slice.lowerBound * outputs, tapStride: weightCount)
            }
        ) { products in
            forEachChunk { images, tiles in
                withMatrices(tiles, inputs) { values, inputStride in
                    withMatrices(tiles, outputs) { gradients, outputStride in
                        tileRows.transformInputs(images, input, into: values, inputStride)
                        tileRows.transformGradients(images, outputGradient, into: gradients, outputStride)
                        products { slice, position, scratch in
                            multiplyBackward(
                                slice, position, tiles: tiles, values + position * inputStride, gradients + position * outputStride,
                                weightGradient: scratch + position * slice.count * (outputs + 1),
                                transposedWeights: inputGradient == nil ? nil : scratch + slice.count * channelFloats,
                                accumulates: images.lowerBound > 0)
                        }
                        if let inputGradient { tileRows.writeInputGradients(images, values, inputStride, inputGradient) }
                    }
                }
            }
        }
    }

    /// The products of the input channels `slice` at one position: dU (+)= Vᵀ D, and dV = D Uᵀ, which takes the place of V.
    private func multiplyBackward(
        _ slice: Range<Int>, _ position: Int, tiles: Int, _ values: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>,
        weightGradient: UnsafeMutablePointer<Float>, transposedWeights: UnsafePointer<Float>?, accumulates: Bool
    ) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let values = values + slice.lowerBound
        TiledProduct.multiply(
            rows: slice.count, columns: outputs, depth: tiles, .init(transposing: values, leading: inputs),
            .init(gradients, leading: outputs), into: weightGradient, leading: outputs, accumulates: accumulates)
        guard let transposedWeights else { return }
        TiledProduct.multiply(
            rows: tiles, columns: slice.count, depth: outputs, .init(gradients, leading: outputs),
            algorithm.matrix(position, of: transposedWeights, WinogradWeights(rows: outputs, columns: slice.count)), into: values,
            leading: inputs)
    }

    private var weightCount: Int { shape.inputChannels * shape.outputChannels }

    private func forEachChunk(_ body: (_ images: Range<Int>, _ tiles: Int) -> Void) {
        for start in stride(from: 0, to: shape.batch, by: chunkImages) {
            let images = start..<min(start + chunkImages, shape.batch)
            body(images, images.count * tileRows.tilesPerImage)
        }
    }

    /// U of the output channels `outputs`: a matrix [inputs × part] for every position.
    private func transformWeights(
        _ weights: UnsafePointer<Float>, outputs: Range<Int>, into transformed: UnsafeMutablePointer<Float>
    ) {
        algorithm.transformWeights(
            weights + outputs.lowerBound, rowStride: shape.outputChannels, tapStride: weightCount,
            WinogradWeights(rows: shape.inputChannels, columns: outputs.count), into: transformed)
    }

    /// Uᵀ of the input channels `inputs`: a matrix [outputs × part] for every position.
    private func transformWeights(
        _ weights: UnsafePointer<Float>, inputs: Range<Int>, into transformed: UnsafeMutablePointer<Float>
    ) {
        let count = inputs.count * shape.outputChannels
        BufferPool.withScratch(9 * count) { transposed in
            for tap in 0..<9 {
                Elementwise.transpose(
                    weights + tap * weightCount + inputs.lowerBound * shape.outputChannels, rows: inputs.count,
                    columns: shape.outputChannels, into: transposed + tap * count)
            }
            algorithm.transformWeights(
                transposed, rowStride: inputs.count, tapStride: count, WinogradWeights(rows: shape.outputChannels, columns: inputs.count),
                into: transformed)
        }
    }

    /// Scratch for the matrices [tiles × channels] of all positions, and the floats from one to the next: a cache line more than they need, so that the
    /// same element of all of them does not compete for one set of the cache.
    private func withMatrices(_ tiles: Int, _ channels: Int, _ body: (UnsafeMutablePointer<Float>, Int) -> Void) {
        let stride = tiles * channels + 16
        BufferPool.withScratch(algorithm.positions * stride) { body($0, stride) }
    }
}
