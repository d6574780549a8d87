/// The transformed values of a chunk: one matrix [tiles × channels] per position of a tile.
struct PositionMatrices {
    let values: UnsafeMutablePointer<Float>
    /// Floats from one position's matrix to the next.
    let stride: Int

    /// Returns the matrix of a position, starting at one of its channels.
    func matrix(_ position: Int, channel: Int = 0) -> UnsafeMutablePointer<Float> { values + (position * stride + channel) }
}

/// Images that are transformed and multiplied together.
struct WinogradChunk {
    let images: Range<Int>
    /// The number of tiles of all images.
    let tiles: Int
    /// The matrices of the convolution's input, and of its output or the output's gradient.
    let inputs: PositionMatrices
    let outputs: PositionMatrices
}

/// Divides a batch into chunks of images. The matrices of a chunk stay in the last-level cache between the transforms and the products.
struct WinogradChunks {
    private let shape: ConvolutionShape
    private let positions: Int
    private let tilesPerImage: Int
    private let imagesOfChunk: Int
    private let buffers: BufferPool

    /// The maximum size of a chunk's transformed input, in floats (4 MiB).
    private static let chunkFloats = 1 << 20
    /// The desired minimum of rows per product. With fewer rows, reading the weights dominates.
    private static let leastRows = 128
    /// Unused floats after each position's matrix: one cache line. They prevent elements with the same index from competing for one cache
    /// set.
    private static let gap = 16

    init(_ shape: ConvolutionShape, _ algorithm: any WinogradAlgorithm.Type, _ buffers: BufferPool) {
        self.shape = shape
        self.buffers = buffers
        positions = algorithm.positions
        tilesPerImage = WinogradTileRows.tilesPerImage(shape, algorithm)
        let tiles = max(Self.leastRows, Self.chunkFloats / (positions * max(shape.inputChannels, shape.outputChannels)))
        imagesOfChunk = max(1, tiles / tilesPerImage)
    }

    var isSingle: Bool { shape.batch <= imagesOfChunk }

    /// Calls `body` for each chunk in order, with memory for its matrices.
    func forEach(_ body: (WinogradChunk) -> Void) {
        for start in stride(from: 0, to: shape.batch, by: imagesOfChunk) {
            let images = start..<min(start + imagesOfChunk, shape.batch)
            let tiles = images.count * tilesPerImage
            withMatrices(tiles, shape.inputChannels) { inputs in
                withMatrices(tiles, shape.outputChannels) { outputs in
                    body(WinogradChunk(images: images, tiles: tiles, inputs: inputs, outputs: outputs))
                }
            }
        }
    }

    private func withMatrices(_ tiles: Int, _ channels: Int, _ body: (PositionMatrices) -> Void) {
        let stride = tiles * channels + Self.gap
        buffers.withScratch(positions * stride) { body(PositionMatrices(values: $0, stride: stride)) }
    }
}
