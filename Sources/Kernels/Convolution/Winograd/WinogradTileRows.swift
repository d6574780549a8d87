/// Moves images between pixels and transformed tiles. It reads rows of tiles with their padding, transforms them, and writes results
/// without the parts outside the image. It runs in parallel over rows of tiles.
struct WinogradTileRows {
    private let shape: ConvolutionShape
    private let context: KernelContext
    private let algorithm: any WinogradAlgorithm.Type
    /// Rows of tiles per image.
    let perImage: Int
    private let tilesWide: Int

    init(_ shape: ConvolutionShape, _ algorithm: any WinogradAlgorithm.Type, _ context: KernelContext) {
        self.shape = shape
        self.context = context
        self.algorithm = algorithm
        perImage = Self.tiles(shape.outputHeight, algorithm)
        tilesWide = Self.tiles(shape.outputWidth, algorithm)
    }

    var tilesPerImage: Int { perImage * tilesWide }

    static func tilesPerImage(_ shape: ConvolutionShape, _ algorithm: any WinogradAlgorithm.Type) -> Int {
        tiles(shape.outputHeight, algorithm) * tiles(shape.outputWidth, algorithm)
    }

    /// The number of tiles that cover `outputs` outputs in one dimension.
    private static func tiles(_ outputs: Int, _ algorithm: any WinogradAlgorithm.Type) -> Int {
        (outputs + algorithm.outputs - 1) / algorithm.outputs
    }

    /// Calls `body(image, row of tiles, index among the chunk's rows of tiles)` in parallel.
    private func forEachTileRow(_ images: Range<Int>, _ body: (Int, Int, Int) -> Void) {
        context.threads.forEach(images.count * perImage) { number in
            body(images.lowerBound + number / perImage, number % perImage, number)
        }
    }

    private func tiles(_ channels: Int, _ positionStride: Int) -> WinogradTiles {
        WinogradTiles(count: tilesWide, outputs: algorithm.outputs, vectors: channels / 8, positionStride: positionStride / 8)
    }

    func transformInputs(
        _ images: Range<Int>, _ source: Rows, into transformed: PositionMatrices
    ) {
        let tiles = tiles(shape.inputChannels, transformed.stride)
        let rows = ScratchRows(count: algorithm.inputs, columns: tiles.inputColumns, padding: 1)
        transform(
            images, source, height: shape.inputHeight, width: shape.inputWidth, rows, tiles, into: transformed.values,
            algorithm.transformInput)
    }

    func transformGradients(
        _ images: Range<Int>, _ source: Rows, into transformed: PositionMatrices
    ) {
        let tiles = tiles(shape.outputChannels, transformed.stride)
        let rows = ScratchRows(count: algorithm.outputs, columns: tiles.outputColumns, padding: 0)
        transform(
            images, source, height: shape.outputHeight, width: shape.outputWidth, rows, tiles, into: transformed.values,
            algorithm.transformOutputGradient)
    }

    /// The rows of pixels that a row of tiles reads.
    private struct ScratchRows {
        var count: Int
        var columns: Int
        /// Pixels above and to the left of the first tile's output.
        var padding: Int
    }

    private func transform(
        _ images: Range<Int>, _ source: Rows, height: Int, width: Int, _ scratch: ScratchRows, _ tiles: WinogradTiles,
        into transformed: UnsafeMutablePointer<Float>,
        _ transform: (MutableChannelVectors, WinogradTiles, MutableChannelVectors) -> Void
    ) {
        let channels = 8 * tiles.vectors
        let rowFloats = scratch.columns * channels
        forEachTileRow(images) { image, tileRow, number in
            context.buffers.withScratch(scratch.count * rowFloats) { rows in
                for row in 0..<scratch.count {
                    readRow(
                        image, algorithm.outputs * tileRow + row - scratch.padding, height: height, width: width, channels: channels,
                        source,
                        into: rows + row * rowFloats, left: scratch.padding, columns: scratch.columns)
                }
                transform(MutableChannelVectors(rows), tiles, MutableChannelVectors(transformed + number * tilesWide * channels))
            }
        }
    }

    /// Copies one row of an image to `columns` pixels of scratch memory, with `left` zero pixels before it and zeros after it.
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

    func writeOutputs(
        _ images: Range<Int>, _ products: PositionMatrices, _ output: UnsafeMutablePointer<Float>,
        _ finish: BlockFinisher
    ) {
        let channels = shape.outputChannels
        let tiles = tiles(channels, products.stride)
        forEachTileRow(images) { image, tileRow, number in
            let source = ChannelVectors(products.values + number * tilesWide * channels)
            let firstRow = algorithm.outputs * tileRow
            let start = (image * shape.outputHeight + firstRow) * shape.outputWidth
            let height = min(algorithm.outputs, shape.outputHeight - firstRow)
            if height == algorithm.outputs && shape.outputWidth == tiles.outputColumns {
                algorithm.transformOutput(source, tiles, into: MutableChannelVectors(output + start * channels))
            } else {
                context.buffers.withScratch(algorithm.outputs * tiles.outputColumns * channels) { rows in
                    algorithm.transformOutput(source, tiles, into: MutableChannelVectors(rows))
                    for row in 0..<height {
                        (output + (start + row * shape.outputWidth) * channels).update(
                            from: rows + row * tiles.outputColumns * channels, count: shape.outputWidth * channels)
                    }
                }
            }
            finish(image * perImage + tileRow, start..<start + height * shape.outputWidth, 0..<channels)
        }
    }

    /// Computes the input's gradient. Adjacent rows of tiles share two rows of pixels, so m + 2 rows of scratch memory move over the image.
    /// After each row of tiles, m of them are complete.
    func writeInputGradients(
        _ images: Range<Int>, _ transformed: PositionMatrices, _ target: InputGradient
    ) {
        let (channels, outputs) = (shape.inputChannels, algorithm.outputs)
        let tiles = tiles(channels, transformed.stride)
        let rowFloats = tiles.inputColumns * channels
        context.threads.forEach(images.count) { number in
            let image = images.lowerBound + number
            context.buffers.withScratch(algorithm.inputs * rowFloats) { rows in
                rows.update(repeating: 0, count: algorithm.inputs * rowFloats)
                for tileRow in 0..<perImage {
                    let source = transformed.values + (number * perImage + tileRow) * tilesWide * channels
                    algorithm.addInputAdjoint(ChannelVectors(source), tiles, to: MutableChannelVectors(rows))
                    // Scratch row 0 is the image's row m · tileRow − 1.
                    let complete = tileRow == perImage - 1 ? algorithm.inputs : outputs
                    let first = outputs * tileRow - 1
                    let wanted = max(0, first)..<min(shape.inputHeight, first + complete)
                    write(rows + (wanted.lowerBound - first) * rowFloats + channels, rowFloats, to: wanted, image, target)
                    rows.update(from: rows + outputs * rowFloats, count: 2 * rowFloats)
                    (rows + 2 * rowFloats).update(repeating: 0, count: outputs * rowFloats)
                }
            }
        }
    }

    /// Writes complete rows of an image's gradient.
    private func write(
        _ values: UnsafePointer<Float>, _ rowFloats: Int, to rows: Range<Int>, _ image: Int, _ target: InputGradient
    ) {
        let count = shape.inputWidth * shape.inputChannels
        let firstRow = image * shape.inputHeight
        for row in rows {
            let source = values + (row - rows.lowerBound) * rowFloats
            let result = target.values + (firstRow + row) * count
            if target.accumulates {
                Elementwise.add(source, to: result, count: count)
            } else {
                result.update(from: source, count: count)
            }
        }
        target.finish(image, (firstRow + rows.lowerBound) * shape.inputWidth..<(firstRow + rows.upperBound) * shape.inputWidth)
    }
}
