/// Weights [3, 3, input, output] in Winograd's form: 36 matrices [input × output], one a position.
enum WinogradWeights {
    private static let blockVectors = 512

    /// transformed[p] ← (G w Gᵀ)[p] for each pair of channels.
    static func transform(_ weights: UnsafePointer<Float>, count: Int, into transformed: UnsafeMutablePointer<Float>) {
        forEachVector(count) { offset, buffer in
            for row in 0..<3 {
                let p = weights + row &* 3 &* count + offset
                let values = WinogradTransform.weights((load(p), load(p + count), load(p + 2 &* count)))
                (buffer[row], buffer[3 + row], buffer[6 + row]) = (values.0, values.1, values.2)
                (buffer[9 + row], buffer[12 + row], buffer[15 + row]) = (values.3, values.4, values.5)
            }
            for column in 0..<6 {
                let p = buffer + 3 &* column
                let values = WinogradTransform.weights((p[0], p[1], p[2]))
                let target = transformed + column &* count + offset
                let stride = 6 &* count
                store(values.0, target)
                store(values.1, target + stride)
                store(values.2, target + 2 &* stride)
                store(values.3, target + 3 &* stride)
                store(values.4, target + 4 &* stride)
                store(values.5, target + 5 &* stride)
            }
        }
    }

    /// gradient += Gᵀ u G for each pair of channels.
    static func addAdjoint(
        _ transformed: UnsafePointer<Float>, count: Int, to gradient: UnsafeMutablePointer<Float>
    ) {
        forEachVector(count) { offset, buffer in
            for column in 0..<6 {
                let p = transformed + column &* count + offset
                let stride = 6 &* count
                let values = WinogradTransform.weightsAdjoint((
                    load(p), load(p + stride), load(p + 2 &* stride), load(p + 3 &* stride), load(p + 4 &* stride), load(p + 5 &* stride)
                ))
                (buffer[column], buffer[6 + column], buffer[12 + column]) = values
            }
            for row in 0..<3 {
                let p = buffer + 6 &* row
                let values = WinogradTransform.weightsAdjoint((p[0], p[1], p[2], p[3], p[4], p[5]))
                let target = gradient + row &* 3 &* count + offset
                store(load(target) + values.0, target)
                store(load(target + count) + values.1, target + count)
                store(load(target + 2 &* count) + values.2, target + 2 &* count)
            }
        }
    }

    /// Calls `body(offset, scratch)` for every eight elements of a matrix of `count`, in parallel.
    @inline(__always)
    private static func forEachVector(_ count: Int, _ body: (Int, UnsafeMutablePointer<Channels8>) -> Void) {
        Parallel.forEachBlock(count / 8, blockSize: blockVectors) { range in
            withUnsafeTemporaryAllocation(of: Channels8.self, capacity: 18) { buffer in
                for vector in range { body(vector &* 8, buffer.baseAddress!) }
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
