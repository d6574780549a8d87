/// Weights in the order in which `TiledProduct` reads them: panels of 16 columns, [panel, row, 16], the last one filled up with zeros. Made
/// once for a convolution, and used by all blocks of its pixels.
enum ColumnPanels {
    static let width = MicroTile.columns

    /// Floats that the panels of a matrix take.
    static func count(rows: Int, columns: Int) -> Int {
        (columns + width - 1) / width * width * rows
    }

    /// panels ← those of `matrix` [rows × columns].
    static func write(
        _ matrix: UnsafePointer<Float>, rows: Int, columns: Int, into panels: UnsafeMutablePointer<Float>, _ context: KernelContext
    ) {
        context.threads.forEach((columns + width - 1) / width) { panel in
            let target = panels + panel * width * rows
            let present = min(width, columns - panel * width)
            for row in 0..<rows {
                let result = target + row &* width
                result.update(from: matrix + (row &* columns &+ panel &* width), count: present)
                (result + present).update(repeating: 0, count: width - present)
            }
        }
    }

    /// panels ← those of the transpose of `matrix` [columns × rows].
    static func write(
        transposing matrix: UnsafePointer<Float>, rows: Int, columns: Int, into panels: UnsafeMutablePointer<Float>,
        _ context: KernelContext
    ) {
        context.threads.forEach((columns + width - 1) / width) { panel in
            let target = panels + panel * width * rows
            let present = min(width, columns - panel * width)
            if present < width { target.update(repeating: 0, count: rows * width) }
            // Eight rows at a time, so that a cache line of each column is read at once.
            for firstRow in stride(from: 0, to: rows, by: 8) {
                for column in 0..<present {
                    let source = matrix + (panel &* width &+ column) &* rows
                    for row in firstRow..<min(firstRow + 8, rows) { target[row &* width &+ column] = source[row] }
                }
            }
        }
    }

    /// Calls `body` with the panels of the transpose of `matrix` [columns × rows] in scratch memory.
    static func withPanels(
        transposing matrix: UnsafePointer<Float>, rows: Int, columns: Int, _ context: KernelContext, _ body: (UnsafePointer<Float>) -> Void
    ) {
        context.buffers.withScratch(count(rows: rows, columns: columns)) {
            write(transposing: matrix, rows: rows, columns: columns, into: $0, context)
            body($0)
        }
    }
}
