/// Matrix products of the convolutions, single-threaded (the kernels split the work outside), by tiles in registers.
///
/// The operands of convolutions were just written and lie in cache, so they are multiplied where they lie; a library's product copies both
/// into its own order first, which costs it a tenth of its time on these shapes (docs/performance.md). Only what would fall on few sets of
/// the cache, rows a multiple of a kilobyte apart, is copied. An element's sum goes along the depth in one order whatever the number of rows
/// and columns, so that what an image gets does not depend on the rest of its batch.
enum TiledProduct {
    /// A, [rows × depth], with the floats from a row to the next and from a column to the next.
    struct Left {
        var values: UnsafePointer<Float>
        var rowStride: Int
        var depthStride: Int

        init(_ values: UnsafePointer<Float>, leading: Int) {
            (self.values, rowStride, depthStride) = (values, leading, 1)
        }

        /// Of a matrix that is stored as [depth × rows].
        init(transposing values: UnsafePointer<Float>, leading: Int) {
            (self.values, rowStride, depthStride) = (values, 1, leading)
        }
    }

    /// B, [depth × columns], with the floats from a row to the next, and from 16 columns to the next 16.
    struct Right {
        var values: UnsafePointer<Float>
        var rowStride: Int
        var panelStride: Int

        init(_ values: UnsafePointer<Float>, leading: Int) {
            (self.values, rowStride, panelStride) = (values, leading, MicroTile.columns)
        }

        /// Of a matrix whose columns lie in panels of 16, [panel, depth, 16].
        init(panels values: UnsafePointer<Float>, depth: Int) {
            (self.values, rowStride, panelStride) = (values, MicroTile.columns, depth * MicroTile.columns)
        }

        /// What begins at this row and column, which is a multiple of 16.
        func from(row: Int = 0, column: Int) -> Right {
            var part = self
            part.values += row * rowStride + column / MicroTile.columns * panelStride
            return part
        }
    }

    /// Steps of the depth and rows of A that are worked through at a time: 16 columns of B (32 KiB) stay in the first-level cache, the part
    /// of A (384 KiB) in the second.
    private static let depthBlock = 512
    private static let rowBlock = 192
    /// From this distance of rows on an operand is copied, where enough is multiplied with it.
    private static let farStride = 256

    /// C ← A · B (+ C where `accumulates`), with A rows × depth, B depth × columns and C rows × columns, `leading` floats between its rows.
    static func multiply(
        rows: Int, columns: Int, depth: Int, _ a: Left, _ b: Right, into c: UnsafeMutablePointer<Float>, leading: Int,
        accumulates: Bool = false
    ) {
        let copiesLeft = a.depthStride >= farStride && columns >= 128
        let copiesRight = b.rowStride >= farStride && rows >= 48
        let leftCount = copiesLeft ? min(rowBlock, rows) * min(depthBlock, depth) : 0
        let panelCount = copiesRight ? MicroTile.columns * min(depthBlock, depth) : 0
        BufferPool.withScratch(leftCount + panelCount) { scratch in
            for firstStep in stride(from: 0, to: depth, by: depthBlock) {
                let steps = min(depthBlock, depth - firstStep)
                for firstRow in stride(from: 0, to: rows, by: rowBlock) {
                    var block = Block(
                        rows: min(rowBlock, rows - firstRow), columns: columns, steps: steps, a: a, b: b,
                        accumulates: accumulates || firstStep > 0)
                    block.a.values += firstStep * a.depthStride + firstRow * a.rowStride
                    block.b.values += firstStep * b.rowStride
                    if copiesLeft { block.copyLeft(into: scratch) }
                    block.multiply(
                        into: c + firstRow * leading, leading: leading, panelScratch: copiesRight ? scratch + leftCount : nil)
                }
            }
        }
    }

    /// Parts of A and B that stay in cache.
    private struct Block {
        var rows: Int
        var columns: Int
        var steps: Int
        var a: Left
        var b: Right
        var accumulates: Bool

        /// A becomes [steps × rows] in `scratch`.
        mutating func copyLeft(into scratch: UnsafeMutablePointer<Float>) {
            for step in 0..<steps { (scratch + step * rows).update(from: a.values + step * a.depthStride, count: rows) }
            a = Left(transposing: scratch, leading: rows)
        }

        /// - Parameter panelScratch: where 16 columns of B at a time are copied to; nil where they are read where they lie.
        func multiply(into c: UnsafeMutablePointer<Float>, leading: Int, panelScratch: UnsafeMutablePointer<Float>?) {
            let vectorColumns = columns & ~7
            for column in stride(from: 0, to: vectorColumns, by: MicroTile.columns) {
                var panel = b.values + column / MicroTile.columns * b.panelStride
                var rightStride = b.rowStride
                let isWide = vectorColumns - column >= MicroTile.columns
                if let panelScratch, isWide {
                    copyPanel(panel, into: panelScratch)
                    panel = UnsafePointer(panelScratch)
                    rightStride = MicroTile.columns
                }
                let tile = MicroTile(
                    depth: steps, rowStride: a.rowStride, depthStride: a.depthStride, rightStride: rightStride,
                    resultStride: leading, accumulates: accumulates)
                for row in stride(from: 0, to: rows, by: MicroTile.rows) {
                    tile.multiply(
                        a.values + row &* a.rowStride, panel, into: c + row &* leading + column,
                        rows: min(MicroTile.rows, rows - row), isWide: isWide)
                }
            }
            if vectorColumns < columns { multiplyColumns(vectorColumns..<columns, into: c, leading: leading) }
        }

        private func copyPanel(_ panel: UnsafePointer<Float>, into scratch: UnsafeMutablePointer<Float>) {
            for step in 0..<steps {
                let source = UnsafeRawPointer(panel + step &* b.rowStride)
                let target = UnsafeMutableRawPointer(scratch + step &* MicroTile.columns)
                target.storeBytes(of: source.loadUnaligned(as: SIMD8<Float>.self), as: SIMD8<Float>.self)
                target.storeBytes(of: source.loadUnaligned(fromByteOffset: 32, as: SIMD8<Float>.self), toByteOffset: 32, as: SIMD8<Float>.self)
            }
        }

        /// The last columns where they are no multiple of eight, which is rare: networks have channels in eights.
        private func multiplyColumns(_ range: Range<Int>, into c: UnsafeMutablePointer<Float>, leading: Int) {
            for column in range {
                let values = b.values + column / MicroTile.columns * b.panelStride + column % MicroTile.columns
                for row in 0..<rows {
                    var sum = accumulates ? c[row * leading + column] : 0
                    for step in 0..<steps { sum += a.values[row &* a.rowStride &+ step &* a.depthStride] * values[step &* b.rowStride] }
                    c[row * leading + column] = sum
                }
            }
        }
    }
}
