/// 3×3 convolutions of stride 1 by Winograd's F(4×4, 3×3): a quarter of the multiplications.
///
/// Forward: M = V U for each of 36 positions, V the transformed input [tiles × input channels], U the transformed weights. The backward pass
/// is the exact adjoint, which needs U and no transform of turned weights: with D the transformed gradient of the output,
/// dV = D Uᵀ and dU += Vᵀ D.
///
/// Images go in chunks, so that the matrices stay in the last-level cache between the transforms and the products. Transforms are parallel
/// over rows of tiles, products over positions.
struct WinogradConvolution: ConvolutionKernel {
    private let shape: ConvolutionShape
    private let tilesHigh: Int
    private let tilesWide: Int
    private let chunkImages: Int

    /// Floats of the transformed input of a chunk (4 MiB).
    private static let chunkFloats = 1 << 20
    /// Rows that a product should have at least, so that packing U does not dominate.
    private static let leastRows = 128

    init(_ shape: ConvolutionShape) {
        precondition(Self.supports(shape), "no Winograd convolution for \(shape)")
        self.shape = shape
        tilesHigh = (shape.outputHeight + 3) / 4
        tilesWide = (shape.outputWidth + 3) / 4
        let tilesPerImage = tilesHigh * tilesWide
        let channels = max(shape.inputChannels, shape.outputChannels)
        let tiles = max(Self.leastRows, Self.chunkFloats / (WinogradTransform.positions * channels))
        chunkImages = max(1, tiles / tilesPerImage)
    }

    static func supports(_ shape: ConvolutionShape) -> Bool {
        shape.kernel == 3 && shape.stride == 1 && shape.padding == 1 && shape.inputChannels % 8 == 0
            && shape.outputChannels % 8 == 0
    }

    /// One a row of tiles.
    var forwardSlots: Int { shape.batch * tilesHigh }
    /// One an image.
    var backwardSlots: Int { shape.batch }

    private var forwardSlices: WinogradSlices {
        WinogradSlices(
            channels: shape.outputChannels, channelFloats: channelFloats(depth: shape.inputChannels),
            hasOneChunk: shape.batch <= chunkImages)
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
                transformInputs(images, input, into: values, inputStride)
                withMatrices(tiles, outputs) { results, outputStride in
                    products { slice, position, transformed in
                        let matrix = transformed + position * WinogradWeights.positionStride(rows: inputs, width: slice.count)
                        TiledProduct.multiply(
                            rows: tiles, columns: slice.count, depth: inputs,
                            .init(values + position * inputStride, leading: inputs),
                            .init(matrix, leading: slice.count),
                            into: results + position * outputStride + slice.lowerBound, leading: outputs)
                    }
                    writeOutputs(images, results, outputStride, output, finish)
                }
            }
        }
    }

    /// A part is one of the input channels; its scratch holds Uᵀ and dU.
    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        if shape.batch == 0 { return }
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let transformedFloats = channelFloats(depth: outputs)
        let slices = WinogradSlices(
            channels: inputs, channelFloats: 2 * transformedFloats, hasOneChunk: shape.batch <= chunkImages)
        slices.run(
            prepare: { if inputGradient != nil { transformWeights(weights, inputs: $0, into: $1) } },
            finish: { slice, scratch in
                WinogradWeights.addAdjoint(
                    scratch + slice.count * transformedFloats, count: slice.count * outputs,
                    positionStride: WinogradWeights.positionStride(rows: outputs, width: slice.count),
                    to: weightGradient + slice.lowerBound * outputs, tapStride: weightCount)
            }
        ) { products in
            forEachChunk { images, tiles in
                withMatrices(tiles, inputs) { values, inputStride in
                    withMatrices(tiles, outputs) { gradients, outputStride in
                        transformInputs(images, input, into: values, inputStride)
                        transformGradients(images, outputGradient, into: gradients, outputStride)
                        products { slice, position, scratch in
                            let matrix = scratch + position * WinogradWeights.positionStride(rows: outputs, width: slice.count)
                            multiplyBackward(
                                slice, tiles: tiles, values + position * inputStride, gradients + position * outputStride,
                                transposedWeights: inputGradient == nil ? nil : UnsafePointer(matrix),
                                weightGradient: matrix + slice.count * transformedFloats, accumulates: images.lowerBound > 0)
                        }
                        if let inputGradient { writeInputGradients(images, values, inputStride, inputGradient) }
                    }
                }
            }
        }
    }

    /// The products of the input channels `slice` at one position: dU (+)= Vᵀ D, and dV = D Uᵀ, which takes the place of V.
    private func multiplyBackward(
        _ slice: Range<Int>, tiles: Int, _ values: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>,
        transposedWeights: UnsafePointer<Float>?, weightGradient: UnsafeMutablePointer<Float>, accumulates: Bool
    ) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let values = values + slice.lowerBound
        TiledProduct.multiply(
            rows: slice.count, columns: outputs, depth: tiles, .init(transposing: values, leading: inputs),
            .init(gradients, leading: outputs), into: weightGradient, leading: outputs, accumulates: accumulates)
        guard let transposedWeights else { return }
        TiledProduct.multiply(
            rows: tiles, columns: slice.count, depth: outputs, .init(gradients, leading: outputs),
            .init(transposedWeights, leading: slice.count), into: values, leading: inputs)
    }

    /// Floats of the transformed weights of a channel, to or from `depth` others.
    private func channelFloats(depth: Int) -> Int {
        WinogradTransform.positions * WinogradWeights.positionStride(rows: depth, width: 1)
    }

    private var weightCount: Int { shape.inputChannels * shape.outputChannels }

    private func forEachChunk(_ body: (_ images: Range<Int>, _ tiles: Int) -> Void) {
        for start in stride(from: 0, to: shape.batch, by: chunkImages) {
            let images = start..<min(start + chunkImages, shape.batch)
            body(images, images.count * tilesHigh * tilesWide)
        }
    }

    /// U of the output channels `outputs`: 36 matrices [inputs, part].
    private func transformWeights(
        _ weights: UnsafePointer<Float>, outputs: Range<Int>, into transformed: UnsafeMutablePointer<Float>
    ) {
        WinogradWeights.transform(
            weights + outputs.lowerBound, rows: shape.inputChannels, width: outputs.count, rowStride: shape.outputChannels,
            tapStride: weightCount, into: transformed)
    }

    /// Uᵀ of the input channels `inputs`: 36 matrices [outputs, part].
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
            WinogradWeights.transform(
                transposed, rows: shape.outputChannels, width: inputs.count, rowStride: inputs.count, tapStride: count,
                into: transformed)
        }
    }

    /// Scratch for 36 matrices [tiles × channels], and the floats from one to the next: a cache line more than they need, so that the
    /// same element of all of them does not compete for one set of the cache.
    private func withMatrices(_ tiles: Int, _ channels: Int, _ body: (UnsafeMutablePointer<Float>, Int) -> Void) {
        let stride = tiles * channels + 16
        BufferPool.withScratch(WinogradTransform.positions * stride) { body($0, stride) }
    }

    // MARK: - Rows of tiles

    /// Calls `body(image, row of tiles, number among the chunk's rows of tiles)` in parallel.
    private func forEachTileRow(_ images: Range<Int>, _ body: (Int, Int, Int) -> Void) {
        Parallel.forEach(images.count * tilesHigh) { number in
            body(images.lowerBound + number / tilesHigh, number % tilesHigh, number)
        }
    }

    private func tiles(_ channels: Int, _ positionStride: Int) -> WinogradTiles {
        WinogradTiles(count: tilesWide, vectors: channels / 8, positionStride: positionStride / 8)
    }

    private func transformInputs(
        _ images: Range<Int>, _ source: Rows, into transformed: UnsafeMutablePointer<Float>, _ positionStride: Int
    ) {
        let channels = shape.inputChannels
        let tiles = tiles(channels, positionStride)
        forEachTileRow(images) { image, tileRow, number in
            BufferPool.withScratch(6 * tiles.inputColumns * channels) { rows in
                for row in 0..<6 {
                    readRow(
                        image, 4 * tileRow + row - 1, height: shape.inputHeight, width: shape.inputWidth, channels: channels, source,
                        into: rows + row * tiles.inputColumns * channels, left: 1, columns: tiles.inputColumns)
                }
                tiles.input(rows.vectors, into: (transformed + number * tilesWide * channels).vectors)
            }
        }
    }

    private func transformGradients(
        _ images: Range<Int>, _ source: Rows, into transformed: UnsafeMutablePointer<Float>, _ positionStride: Int
    ) {
        let channels = shape.outputChannels
        let tiles = tiles(channels, positionStride)
        forEachTileRow(images) { image, tileRow, number in
            BufferPool.withScratch(16 * tilesWide * channels) { rows in
                for row in 0..<4 {
                    readRow(
                        image, 4 * tileRow + row, height: shape.outputHeight, width: shape.outputWidth, channels: channels, source,
                        into: rows + row * 4 * tilesWide * channels, left: 0, columns: 4 * tilesWide)
                }
                tiles.outputAdjoint(rows.vectors, into: (transformed + number * tilesWide * channels).vectors)
            }
        }
    }

    /// One row of an image into `columns` pixels of scratch, `left` of them and what is too many at the right being zero.
    private func readRow(
        _ image: Int, _ row: Int, height: Int, width: Int, channels: Int, _ source: Rows,
        into target: UnsafeMutablePointer<Float>, left: Int, columns: Int
    ) {
        guard row >= 0 && row < height else {
            target.update(repeating: 0, count: columns * channels)
            return
        }
        let start = (image * height + row) * width
        target.update(repeating: 0, count: left * channels)
        source.read(start..<start + width, channels: channels, into: target + left * channels)
        (target + (left + width) * channels).update(repeating: 0, count: (columns - left - width) * channels)
    }

    private func writeOutputs(
        _ images: Range<Int>, _ products: UnsafePointer<Float>, _ positionStride: Int, _ output: UnsafeMutablePointer<Float>,
        _ finish: RowFinisher
    ) {
        let channels = shape.outputChannels
        let tiles = tiles(channels, positionStride)
        forEachTileRow(images) { image, tileRow, number in
            let source = (products + number * tilesWide * channels).vectors
            let start = (image * shape.outputHeight + 4 * tileRow) * shape.outputWidth
            let height = min(4, shape.outputHeight - 4 * tileRow)
            if height == 4 && shape.outputWidth == 4 * tilesWide {
                tiles.output(source, into: (output + start * channels).vectors)
            } else {
                BufferPool.withScratch(16 * tilesWide * channels) { rows in
                    tiles.output(source, into: rows.vectors)
                    for row in 0..<height {
                        (output + (start + row * shape.outputWidth) * channels).update(
                            from: rows + row * 4 * tilesWide * channels, count: shape.outputWidth * channels)
                    }
                }
            }
            finish(image * tilesHigh + tileRow, start..<start + height * shape.outputWidth)
        }
    }

    /// Rows of tiles overlap by two rows of pixels: six rows of scratch roll over the image, of which four are complete at a time.
    private func writeInputGradients(
        _ images: Range<Int>, _ transformed: UnsafePointer<Float>, _ positionStride: Int, _ target: InputGradient
    ) {
        let channels = shape.inputChannels
        let tiles = tiles(channels, positionStride)
        let rowFloats = tiles.inputColumns * channels
        Parallel.forEach(images.count) { number in
            let image = images.lowerBound + number
            BufferPool.withScratch(6 * rowFloats) { rows in
                rows.update(repeating: 0, count: 6 * rowFloats)
                for tileRow in 0..<tilesHigh {
                    let source = transformed + (number * tilesHigh + tileRow) * tilesWide * channels
                    tiles.addInputAdjoint(source.vectors, to: rows.vectors)
                    // Scratch row 0 is the image's row 4 · tileRow − 1.
                    let complete = tileRow == tilesHigh - 1 ? 6 : 4
                    let wanted = max(0, 4 * tileRow - 1)..<min(shape.inputHeight, 4 * tileRow - 1 + complete)
                    for row in wanted {
                        let values = rows + (row + 1 - 4 * tileRow) * rowFloats + channels
                        let result = target.values + (image * shape.inputHeight + row) * shape.inputWidth * channels
                        if target.accumulates {
                            Elementwise.add(values, to: result, count: shape.inputWidth * channels)
                        } else {
                            result.update(from: values, count: shape.inputWidth * channels)
                        }
                    }
                    let first = image * shape.inputHeight
                    target.finish(
                        image, (first + wanted.lowerBound) * shape.inputWidth..<(first + wanted.upperBound) * shape.inputWidth)
                    rows.update(from: rows + 4 * rowFloats, count: 2 * rowFloats)
                    (rows + 2 * rowFloats).update(repeating: 0, count: 4 * rowFloats)
                }
            }
        }
    }
}

extension UnsafePointer<Float> {
    /// The same memory as vectors of eight, which its alignment and the channel count must allow.
    fileprivate var vectors: UnsafePointer<Channels8> {
        UnsafeRawPointer(self).assumingMemoryBound(to: Channels8.self)
    }
}

extension UnsafeMutablePointer<Float> {
    fileprivate var vectors: UnsafeMutablePointer<Channels8> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: Channels8.self)
    }
}
