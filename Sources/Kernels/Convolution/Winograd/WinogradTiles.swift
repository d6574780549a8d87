/// The memory layout of one row of tiles. Scratch rows of pixels include the padding, so transforms need no special cases at the borders.
/// Transformed tiles are matrices [tile × channel], one per position.
struct WinogradTiles {
    /// Tiles per row.
    var count: Int
    /// m: the number of outputs of a tile in one dimension.
    var outputs: Int
    /// Channels in vectors of eight.
    var vectors: Int
    /// Vectors from one position's matrix to the next.
    var positionStride: Int

    /// Pixels in a scratch row that holds the inputs of all tiles. Adjacent tiles share two pixels.
    var inputColumns: Int { outputs * count + 2 }
    /// Pixels in a scratch row that holds the outputs of all tiles.
    var outputColumns: Int { outputs * count }
}

/// The two-dimensional transforms of rows of tiles. Each applies a one-dimensional transform twice.
extension WinogradTransform {
    static func transformInput(_ rows: Vectors, _ tiles: WinogradTiles, into transformed: Vectors) {
        let (rowStride, vectors) = (tiles.inputColumns &* tiles.vectors, tiles.vectors)
        let columnStride = inputs &* tiles.positionStride
        forEachVector(tiles) { tile, channel, buffer in
            let source = rows + tile &* outputs &* vectors + channel
            for row in 0..<inputs {
                let (p, result) = (source + row &* rowStride, buffer + row)
                input({ p[$0 &* vectors] }, { result[$0 &* inputs] = $1 })
            }
            for column in 0..<inputs {
                let (p, result) = (buffer + inputs &* column, transformed + (column &* tiles.positionStride &+ tile &* vectors &+ channel))
                input({ p[$0] }, { result[$0 &* columnStride] = $1 })
            }
        }
    }

    static func addInputAdjoint(_ transformed: ChannelVectors, _ tiles: WinogradTiles, to rows: Vectors) {
        let (rowStride, vectors) = (tiles.inputColumns &* tiles.vectors, tiles.vectors)
        let columnStride = inputs &* tiles.positionStride
        forEachVector(tiles) { tile, channel, buffer in
            for column in 0..<inputs {
                let (p, result) = (transformed + (column &* tiles.positionStride &+ tile &* vectors &+ channel), buffer + column)
                inputAdjoint({ p[$0 &* columnStride] }, { result[$0 &* inputs] = $1 })
            }
            let target = rows + tile &* outputs &* vectors + channel
            for row in 0..<inputs {
                let (p, result) = (buffer + inputs &* row, target + row &* rowStride)
                inputAdjoint({ p[$0] }, { result[$0 &* vectors] += $1 })
            }
        }
    }

    static func transformOutput(_ products: ChannelVectors, _ tiles: WinogradTiles, into rows: Vectors) {
        let (rowStride, vectors) = (tiles.outputColumns &* tiles.vectors, tiles.vectors)
        let columnStride = inputs &* tiles.positionStride
        forEachVector(tiles) { tile, channel, buffer in
            for column in 0..<inputs {
                let (p, result) = (products + (column &* tiles.positionStride &+ tile &* vectors &+ channel), buffer + column)
                output({ p[$0 &* columnStride] }, { result[$0 &* inputs] = $1 })
            }
            let target = rows + tile &* outputs &* vectors + channel
            for row in 0..<outputs {
                let (p, result) = (buffer + inputs &* row, target + row &* rowStride)
                output({ p[$0] }, { result[$0 &* vectors] = $1 })
            }
        }
    }

    static func transformOutputGradient(_ rows: Vectors, _ tiles: WinogradTiles, into transformed: Vectors) {
        let (rowStride, vectors) = (tiles.outputColumns &* tiles.vectors, tiles.vectors)
        let columnStride = inputs &* tiles.positionStride
        forEachVector(tiles) { tile, channel, buffer in
            let source = rows + tile &* outputs &* vectors + channel
            for row in 0..<outputs {
                let (p, result) = (source + row &* rowStride, buffer + row)
                outputAdjoint({ p[$0 &* vectors] }, { result[$0 &* outputs] = $1 })
            }
            for column in 0..<inputs {
                let (p, result) = (buffer + outputs &* column, transformed + (column &* tiles.positionStride &+ tile &* vectors &+ channel))
                outputAdjoint({ p[$0] }, { result[$0 &* columnStride] = $1 })
            }
        }
    }

    /// Calls `body(tile, channel vector, scratch for a tile)`.
    @inline(__always)
    private static func forEachVector(_ tiles: WinogradTiles, _ body: (Int, Int, Vectors) -> Void) {
        withUnsafeTemporaryAllocation(of: Channels8.self, capacity: positions) { buffer in
            let buffer = Vectors(UnsafeMutableRawPointer(buffer.baseAddress!).assumingMemoryBound(to: Float.self))
            for tile in 0..<tiles.count {
                for channel in 0..<tiles.vectors { body(tile, channel, buffer) }
            }
        }
    }
}
