/// The two-dimensional transforms of one row of tiles. Pixels lie in scratch rows with the padding already in them, so that no transform
/// knows of borders; transformed tiles lie as 36 matrices [tile × channel], one a position, `positionStride` vectors apart.
struct WinogradTiles {
    /// Tiles in a row.
    var count: Int
    /// Vectors of eight channels.
    var vectors: Int
    /// Vectors from one position's matrix to the next.
    var positionStride: Int

    typealias Vectors = UnsafeMutablePointer<Channels8>

    /// Pixels in a scratch row that holds the inputs of all tiles: neighbours share two.
    var inputColumns: Int { 4 * count + 2 }

    /// transformed ← Bᵀ d B of the six rows [6 × inputColumns] at `rows`.
    func input(_ rows: Vectors, into transformed: Vectors) {
        let rowStride = inputColumns &* vectors
        forEachVector { tile, channel, buffer in
            let source = rows + tile &* 4 &* vectors + channel
            for row in 0..<6 {
                let p = source + row &* rowStride
                Self.store(WinogradTransform.input(Self.load(p, vectors)), buffer + row, 6)
            }
            let target = transformed + tile &* vectors + channel
            for column in 0..<6 {
                let values = WinogradTransform.input(Self.load(buffer + 6 &* column, 1))
                Self.store(values, target + column &* positionStride, 6 &* positionStride)
            }
        }
    }

    /// rows [6 × inputColumns] += B v Bᵀ: what `input` sends the other way.
    func addInputAdjoint(_ transformed: UnsafePointer<Channels8>, to rows: Vectors) {
        let rowStride = inputColumns &* vectors
        forEachVector { tile, channel, buffer in
            let source = UnsafeMutablePointer(mutating: transformed) + tile &* vectors + channel
            for column in 0..<6 {
                let values = WinogradTransform.inputAdjoint(
                    Self.load(source + column &* positionStride, 6 &* positionStride))
                Self.store(values, buffer + column, 6)
            }
            let target = rows + tile &* 4 &* vectors + channel
            for row in 0..<6 {
                Self.add(WinogradTransform.inputAdjoint(Self.load(buffer + 6 &* row, 1)), target + row &* rowStride, vectors)
            }
        }
    }

    /// rows [4 × 4 · count] ← Aᵀ m A.
    func output(_ products: UnsafePointer<Channels8>, into rows: Vectors) {
        let rowStride = 4 &* count &* vectors
        forEachVector { tile, channel, buffer in
            let source = UnsafeMutablePointer(mutating: products) + tile &* vectors + channel
            for column in 0..<6 {
                let values = WinogradTransform.output(Self.load(source + column &* positionStride, 6 &* positionStride))
                (buffer[column], buffer[6 + column], buffer[12 + column], buffer[18 + column]) = values
            }
            let target = rows + tile &* 4 &* vectors + channel
            for row in 0..<4 {
                let values = WinogradTransform.output(Self.load(buffer + 6 &* row, 1))
                let p = target + row &* rowStride
                (p[0], p[vectors], p[2 &* vectors], p[3 &* vectors]) = values
            }
        }
    }

    /// transformed ← A g Aᵀ of the four rows [4 × 4 · count] of an output's gradient.
    func outputAdjoint(_ rows: Vectors, into transformed: Vectors) {
        let rowStride = 4 &* count &* vectors
        forEachVector { tile, channel, buffer in
            let source = rows + tile &* 4 &* vectors + channel
            for row in 0..<4 {
                let p = source + row &* rowStride
                let values = WinogradTransform.outputAdjoint((p[0], p[vectors], p[2 &* vectors], p[3 &* vectors]))
                Self.store(values, buffer + row, 4)
            }
            let target = transformed + tile &* vectors + channel
            for column in 0..<6 {
                let p = buffer + 4 &* column
                let values = WinogradTransform.outputAdjoint((p[0], p[1], p[2], p[3]))
                Self.store(values, target + column &* positionStride, 6 &* positionStride)
            }
        }
    }

    /// Calls `body(tile, channel vector, 36 vectors of scratch)`.
    @inline(__always)
    private func forEachVector(_ body: (Int, Int, Vectors) -> Void) {
        withUnsafeTemporaryAllocation(of: Channels8.self, capacity: WinogradTransform.positions) { buffer in
            let buffer = buffer.baseAddress!
            for tile in 0..<count {
                for channel in 0..<vectors { body(tile, channel, buffer) }
            }
        }
    }

    @inline(__always)
    private static func load(_ p: Vectors, _ stride: Int) -> WinogradTransform.Six {
        (p[0], p[stride], p[2 &* stride], p[3 &* stride], p[4 &* stride], p[5 &* stride])
    }

    @inline(__always)
    private static func store(_ values: WinogradTransform.Six, _ p: Vectors, _ stride: Int) {
        (p[0], p[stride], p[2 &* stride], p[3 &* stride], p[4 &* stride], p[5 &* stride]) = values
    }

    @inline(__always)
    private static func add(_ values: WinogradTransform.Six, _ p: Vectors, _ stride: Int) {
        p[0] += values.0
        p[stride] += values.1
        p[2 &* stride] += values.2
        p[3 &* stride] += values.3
        p[4 &* stride] += values.4
        p[5 &* stride] += values.5
    }
}
