/// Weights [3, 3, input, output] in Winograd's form: 36 matrices [input × output], one a position.
enum WinogradWeights {
    /// Floats from one position's matrix [rows × width] to the next: a row more than it needs, so that the same element of all 36 does not
    /// compete for one set of the caches.
    static func positionStride(rows: Int, width: Int) -> Int { (rows &+ 1) &* width }

    /// transformed[p] ← (G w Gᵀ)[p] for each element of nine matrices that lie `tapStride` apart: rows of `width` elements, `rowStride` apart.
    /// The result is 36 matrices [rows × width], `positionStride` apart.
    static func transform(
        _ weights: UnsafePointer<Float>, rows: Int, width: Int, rowStride: Int, tapStride: Int,
        into transformed: UnsafeMutablePointer<Float>
    ) {
        let positionStride = positionStride(rows: rows, width: width)
        forEachVector(rows: rows, width: width) { row, column, buffer in
            let source = weights + (row &* rowStride &+ column)
            let offset = row &* width &+ column
            for tap in 0..<3 {
                let p = source + 3 &* tap &* tapStride
                let values = WinogradTransform.weights((load(p), load(p + tapStride), load(p + 2 &* tapStride)))
                (buffer[tap], buffer[3 + tap], buffer[6 + tap]) = (values.0, values.1, values.2)
                (buffer[9 + tap], buffer[12 + tap], buffer[15 + tap]) = (values.3, values.4, values.5)
            }
            for position in 0..<6 {
                let p = buffer + 3 &* position
                let values = WinogradTransform.weights((p[0], p[1], p[2]))
                let target = transformed + position &* positionStride + offset
                let stride = 6 &* positionStride
                store(values.0, target)
                store(values.1, target + stride)
                store(values.2, target + 2 &* stride)
                store(values.3, target + 3 &* stride)
                store(values.4, target + 4 &* stride)
                store(values.5, target + 5 &* stride)
            }
        }
    }

    /// gradient += Gᵀ u G for each element of 36 matrices of `count`, `positionStride` apart; the nine matrices of the gradient lie
    /// `tapStride` apart.
    static func addAdjoint(
        _ transformed: UnsafePointer<Float>, count: Int, positionStride: Int, to gradient: UnsafeMutablePointer<Float>, tapStride: Int
    ) {
        forEachVector(rows: 1, width: count) { _, offset, buffer in
            for column in 0..<6 {
                let p = transformed + column &* positionStride + offset
                let stride = 6 &* positionStride
                let values = WinogradTransform.weightsAdjoint((
                    load(p), load(p + stride), load(p + 2 &* stride), load(p + 3 &* stride), load(p + 4 &* stride), load(p + 5 &* stride)
                ))
                (buffer[column], buffer[6 + column], buffer[12 + column]) = values
            }
            for row in 0..<3 {
                let p = buffer + 6 &* row
                let values = WinogradTransform.weightsAdjoint((p[0], p[1], p[2], p[3], p[4], p[5]))
                let target = gradient + row &* 3 &* tapStride + offset
                store(load(target) + values.0, target)
                store(load(target + tapStride) + values.1, target + tapStride)
                store(load(target + 2 &* tapStride) + values.2, target + 2 &* tapStride)
            }
        }
    }

    /// Calls `body(row, column, scratch)` for every eight elements of a matrix [rows × width].
    @inline(__always)
    private static func forEachVector(rows: Int, width: Int, _ body: (Int, Int, UnsafeMutablePointer<Channels8>) -> Void) {
        withUnsafeTemporaryAllocation(of: Channels8.self, capacity: 18) { buffer in
            for row in 0..<rows {
                for column in stride(from: 0, to: width, by: 8) { body(row, column, buffer.baseAddress!) }
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
