/// Matrix products of the convolutions, single-threaded (the kernels split the work outside), by tiles in registers.
///
/// The operands of convolutions were just written and lie in cache, so they are multiplied where they lie; a library's product copies both
/// into its own order first, which costs it a tenth of its time on these shapes (docs/performance.md). Only what would fall on few sets of
/// the cache is copied. An element's sum goes along the depth in one order whatever the number of rows and columns, so that what an image gets
/// does not depend on the rest of its batch.
enum TiledProduct {
    /// A, stored as [rows × depth] or as [depth × rows].
    struct Left {
        var values: UnsafePointer<Float>
        let isTransposed: Bool
        /// Floats from one row, as it is stored, to the next.
        let leading: Int

        init(_ values: UnsafePointer<Float>, leading: Int) {
            (self.values, isTransposed, self.leading) = (values, false, leading)
        }

        /// Of a matrix that is stored as [depth × rows].
        init(transposing values: UnsafePointer<Float>, leading: Int) {
            (self.values, isTransposed, self.leading) = (values, true, leading)
        }

        /// What begins at this row and step of the depth.
        func from(row: Int, step: Int = 0) -> Left {
            var part = self
            part.values += isTransposed ? step &* leading &+ row : row &* leading &+ step
            return part
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
            self.init(panels: values, panelStride: depth * MicroTile.columns)
        }

        /// The same with more floats from a panel to the next.
        init(panels values: UnsafePointer<Float>, panelStride: Int) {
            (self.values, rowStride, self.panelStride) = (values, MicroTile.columns, panelStride)
        }

        /// What begins at this row and column, which is a multiple of 16.
        func from(row: Int = 0, column: Int) -> Right {
            var part = self
            part.values += row * rowStride + column / MicroTile.columns * panelStride
            return part
        }
    }

    /// Steps of the depth and rows of A that are worked through at a time, at most: 16 columns of B (32 KiB) stay in the first-level cache,
    /// the part of A (384 KiB) in the second.
    private static let depthBlock = 512
    private static let rowBlock = 192
    /// From these distances of rows on, in floats, an operand is copied where enough is multiplied with it: such rows fall on few sets of
    /// the first-level cache.
    private static let farLeft = 256
    private static let farRight = 64

    /// C ← A · B (+ C where `accumulates`), with A rows × depth, B depth × columns and C rows × columns, `leading` floats between its rows.
    static func multiply(
        rows: Int, columns: Int, depth: Int, _ a: Left, _ b: Right, into c: UnsafeMutablePointer<Float>, leading: Int,
        accumulates: Bool = false, _ buffers: BufferPool
    ) {
        let copiesLeft = a.isTransposed && a.leading >= farLeft && columns >= 128
        let copiesRight = b.rowStride >= farRight && rows >= 48
        let (depthBlock, rowBlock) = (
            part(depth, max: depthBlock, unit: Prefetch.interval), part(rows, max: rowBlock, unit: MicroTile.rows)
        )
        let leftCount = copiesLeft ? rowBlock * depthBlock : 0
        let panelCount = copiesRight ? MicroTile.columns * depthBlock : 0
        buffers.withScratch(leftCount + panelCount) { scratch in
            for firstStep in stride(from: 0, to: depth, by: depthBlock) {
                let steps = min(depthBlock, depth - firstStep)
                for firstRow in stride(from: 0, to: rows, by: rowBlock) {
                    var block = Block(
                        rows: min(rowBlock, rows - firstRow), columns: columns, steps: steps,
                        a: a.from(row: firstRow, step: firstStep), b: b.from(row: firstStep, column: 0),
                        isLastOfDepth: firstStep + steps == depth, accumulates: accumulates || firstStep > 0)
                    if copiesLeft { block.copyLeft(into: scratch) }
                    block.multiply(
                        into: c + firstRow * leading, leading: leading, panelScratch: copiesRight ? scratch + leftCount : nil)
                }
            }
        }
    }

    /// `count` in equal parts of at most `max`, each but the last a multiple of `unit`.
    private static func part(_ count: Int, max: Int, unit: Int) -> Int {
        let parts = Swift.max(1, (count + max - 1) / max)
        return ((count + parts - 1) / parts + unit - 1) / unit * unit
    }

    /// Parts of A and B that stay in cache.
    private struct Block {
        /// From so many rows of A on, they are more than the next panel of B.
        private static let manyRows = 96

        var rows: Int
        var columns: Int
        var steps: Int
        var a: Left
        var b: Right
        /// Whether there is no block further down.
        var isLastOfDepth: Bool
        var accumulates: Bool

        /// A becomes [steps × rows] in `scratch`.
        mutating func copyLeft(into scratch: UnsafeMutablePointer<Float>) {
            for step in 0..<steps { (scratch + step * rows).update(from: a.from(row: 0, step: step).values, count: rows) }
            a = Left(transposing: scratch, leading: rows)
        }

        /// - Parameter panelScratch: where 16 columns of B at a time are copied to; nil where they are read where they lie.
        func multiply(into c: UnsafeMutablePointer<Float>, leading: Int, panelScratch: UnsafeMutablePointer<Float>?) {
            let vectorColumns = columns & ~7
            for column in stride(from: 0, to: vectorColumns, by: MicroTile.columns) {
                var panel = b.from(column: column)
                let isWide = vectorColumns - column >= MicroTile.columns
                if let panelScratch, isWide {
                    copyPanel(panel.values, into: panelScratch)
                    panel = Right(panels: UnsafePointer(panelScratch), depth: steps)
                }
                multiply(panel, column: column, isWide: isWide, into: c + column, leading: leading)
            }
            if vectorColumns < columns { multiplyColumns(vectorColumns..<columns, into: c, leading: leading) }
        }

        /// The tiles of one panel, of 6 rows or, at the end, 5 and 4: what is held in fewer registers waits for its sums.
        private func multiply(_ panel: Right, column: Int, isWide: Bool, into c: UnsafeMutablePointer<Float>, leading: Int) {
            let tile = MicroTile(
                depth: steps, isTransposed: a.isTransposed, leftStride: a.leading, rightStride: panel.rowStride, resultStride: leading,
                accumulates: accumulates)
            let tiles = (rows + MicroTile.rows - 1) / MicroTile.rows
            let (height, higher) = (rows / tiles, rows % tiles)
            // All panels read the same rows, so only the first one may miss them in cache.
            let asksForRows = column == 0 && rows >= Self.manyRows && !a.isTransposed
            let shift = asksForRows ? a.leading &* MicroTile.rows : steps / tiles &* b.rowStride
            let prefetch =
                asksForRows
                ? Prefetch.rows(a.from(row: height).values, rowStride: a.leading)
                : Prefetch.panel(nextPanel(after: column), rowStride: b.rowStride, panelStride: b.panelStride, tiles: tiles)
            tile.multiply(
                a.values, panel.values, into: c, rows: height + 1, count: higher, isWide: isWide, prefetch, shift: shift)
            let lowerRow = higher * (height + 1)
            tile.multiply(
                a.from(row: lowerRow).values, panel.values, into: c + lowerRow &* leading, rows: height, count: tiles - higher,
                isWide: isWide, prefetch.shifted(by: higher &* shift), shift: shift)
        }

        /// The panel to the right or, after the last one, the first one further down, or what follows.
        private func nextPanel(after column: Int) -> UnsafePointer<Float> {
            let next = column + MicroTile.columns
            return next < columns || isLastOfDepth ? b.from(column: next).values : b.from(row: steps, column: 0).values
        }

        private func copyPanel(_ panel: UnsafePointer<Float>, into scratch: UnsafeMutablePointer<Float>) {
            for step in 0..<steps {
                let source = UnsafeRawPointer(panel + step &* b.rowStride)
                let target = UnsafeMutableRawPointer(scratch + step &* MicroTile.columns)
                target.storeBytes(of: source.loadUnaligned(as: SIMD8<Float>.self), as: SIMD8<Float>.self)
                target.storeBytes(
                    of: source.loadUnaligned(fromByteOffset: 32, as: SIMD8<Float>.self), toByteOffset: 32, as: SIMD8<Float>.self)
            }
        }

        /// The last columns where they are no multiple of eight, which is rare: networks have channels in eights.
        private func multiplyColumns(_ range: Range<Int>, into c: UnsafeMutablePointer<Float>, leading: Int) {
            for column in range {
                let values = b.values + column / MicroTile.columns * b.panelStride + column % MicroTile.columns
                for row in 0..<rows {
                    var sum = accumulates ? c[row * leading + column] : 0
                    for step in 0..<steps { sum += a.from(row: row, step: step).values.pointee * values[step &* b.rowStride] }
                    c[row * leading + column] = sum
                }
            }
        }
    }
}
