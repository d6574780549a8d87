/// How weights [3, 3, input, output] lie in Winograd's form: in panels of 16 columns, as `TiledProduct` reads them, each with a matrix
/// [rows × 16] for every position.
struct WinogradWeights {
    static let panelWidth = MicroTile.columns

    var rows: Int
    /// A multiple of eight; the last panel may be half full.
    var columns: Int

    /// Floats from one position's matrix to the next: a row more than it needs, so that the same element of all of them does not compete for
    /// one set of the caches.
    var positionStride: Int { (rows &+ 1) &* Self.panelWidth }
}

extension WinogradAlgorithm {
    /// Floats that transformed weights take for each column of theirs.
    static func weightFloats(rows: Int) -> Int { positions * (rows + 1) }

    /// The matrix of a position, for products.
    static func matrix(_ position: Int, of transformed: UnsafePointer<Float>, _ weights: WinogradWeights) -> TiledProduct.Right {
        TiledProduct.Right(
            panels: transformed + position * weights.positionStride, panelStride: positions * weights.positionStride)
    }
}

/// The transforms of weights: in two dimensions, those of one dimension are applied twice.
extension WinogradTransform {
    static func transformWeights(
        _ weights: UnsafePointer<Float>, rowStride: Int, tapStride: Int, _ matrices: WinogradWeights,
        into transformed: UnsafeMutablePointer<Float>
    ) {
        let (width, positionStride) = (WinogradWeights.panelWidth, matrices.positionStride)
        let columnStride = inputs &* positionStride
        for firstColumn in stride(from: 0, to: matrices.columns, by: width) {
            let panel = transformed + firstColumn &* inputs &* columnStride / width
            forEachVector(rows: matrices.rows, columns: min(width, matrices.columns - firstColumn)) { row, column, buffer in
                let source = weights + (row &* rowStride &+ firstColumn &+ column)
                for tap in 0..<3 {
                    let (p, result) = (source + 3 &* tap &* tapStride, buffer + tap)
                    Self.weights({ load(p + $0 &* tapStride) }, { result[3 &* $0] = $1 })
                }
                for position in 0..<inputs {
                    let (p, result) = (buffer + 3 &* position, panel + (position &* positionStride &+ row &* width &+ column))
                    Self.weights({ p[$0] }, { store($1, result + $0 &* columnStride) })
                }
            }
        }
    }

    static func addWeightsAdjoint(
        _ transformed: UnsafePointer<Float>, count: Int, positionStride: Int, to gradient: UnsafeMutablePointer<Float>, tapStride: Int
    ) {
        let columnStride = inputs &* positionStride
        forEachVector(rows: 1, columns: count) { _, offset, buffer in
            for position in 0..<inputs {
                let (p, result) = (transformed + (position &* positionStride &+ offset), buffer + position)
                weightsAdjoint({ load(p + $0 &* columnStride) }, { result[$0 &* inputs] = $1 })
            }
            for tap in 0..<3 {
                let (p, result) = (buffer + inputs &* tap, gradient + (3 &* tap &* tapStride &+ offset))
                weightsAdjoint({ p[$0] }, { store(load(result + $0 &* tapStride) + $1, result + $0 &* tapStride) })
            }
        }
    }

    /// Calls `body(row, column, scratch)` for every eight elements of a matrix.
    @inline(__always)
    private static func forEachVector(rows: Int, columns: Int, _ body: (Int, Int, UnsafeMutablePointer<Channels8>) -> Void) {
        withUnsafeTemporaryAllocation(of: Channels8.self, capacity: 3 * inputs) { buffer in
            for row in 0..<rows {
                for column in stride(from: 0, to: columns, by: 8) { body(row, column, buffer.baseAddress!) }
            }
        }
    }

    @inline(__always)
    private static func load(_ p: UnsafePointer<Float>) -> Channels8 {
        UnsafeRawPointer(p).loadUnaligned(as: Channels8.self)
    }

    @inline(__always)
    private static func store(_ value: Channels8, _ p: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(p).storeBytes(of: value, as: Channels8.self)
    }
}
