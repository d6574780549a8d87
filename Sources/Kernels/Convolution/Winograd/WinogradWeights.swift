import CProcessor

/// The two-dimensional transforms of weights. Each applies a one-dimensional transform twice. A group needs one row of the first matrix G.
extension WinogradTransform {
    static func transformWeights(
        _ weights: UnsafePointer<Float>, rowStride: Int, tapStride: Int, columns: Int, group: Int, _ layout: WinogradWeightLayout,
        into transformed: UnsafeMutablePointer<Float>
    ) {
        let g = weightsRow(group)
        for row in 0..<layout.rows {
            for panel in stride(from: 0, to: columns, by: layout.panelWidth) {
                let source = weights + (row &* rowStride &+ panel)
                let target = transformed + (panel / layout.panelWidth &* layout.panelStride &+ row &* layout.panelWidth)
                let count = min(layout.panelWidth, columns &- panel)
                for column in stride(from: 0, to: count, by: 8) {
                    let taps = source + column
                    if column % prefetchedColumns == 0 {
                        let ahead = taps + rowsAhead &* rowStride
                        for tap in 0..<9 { drnet_prefetch(ahead + tap &* tapStride) }
                    }
                    @inline(__always) func first(_ tap: Int) -> Channels8 {
                        let p = taps + 3 &* tap &* tapStride
                        return g.0 * Channels8(at: p) + g.1 * Channels8(at: p + tapStride) + g.2 * Channels8(at: p + 2 &* tapStride)
                    }
                    let result = target + column
                    Self.weights(first) { $1.store(to: result + $0 &* layout.positionStride) }
                }
            }
        }
    }

    static func addWeightsAdjoint(
        _ transformed: UnsafePointer<Float>, count: Int, positionStride: Int, group: Int, to gradient: UnsafeMutablePointer<Float>,
        tapStride: Int
    ) {
        let g = weightsRow(group)
        for offset in stride(from: 0, to: count, by: 8) {
            let (source, target) = (transformed + offset, gradient + offset)
            weightsAdjoint({ Channels8(at: source + $0 &* positionStride) }) { tap, value in
                let p = target + 3 &* tap &* tapStride
                (Channels8(at: p) + g.0 * value).store(to: p)
                (Channels8(at: p + tapStride) + g.1 * value).store(to: p + tapStride)
                (Channels8(at: p + 2 &* tapStride) + g.2 * value).store(to: p + 2 &* tapStride)
            }
        }
    }

    /// Taps are prefetched three rows ahead, one cache line (16 columns) at a time. The rows of a part (64 of 512 columns, for example) are
    /// not adjacent in memory.
    private static var rowsAhead: Int { 3 }
    private static var prefetchedColumns: Int { 16 }

    /// Returns a row of G.
    private static func weightsRow(_ row: Int) -> (Channels8, Channels8, Channels8) {
        func element(_ tap: Int) -> Channels8 {
            var element = Channels8.zero
            weights({ Channels8(repeating: $0 == tap ? 1 : 0) }, { if $0 == row { element = $1 } })
            return element
        }
        return (element(0), element(1), element(2))
    }
}
