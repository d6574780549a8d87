/// The right operand [depth × columns] in the form that the micro-kernel reads: panels of a tile's columns. A plain matrix is read as
/// panels that start so many floats apart.
struct TileOperand {
    var values: UnsafePointer<Float>
    /// Columns of a panel.
    var panelWidth: Int
    /// Floats from one row to the next, and from one panel to the next.
    var rowStride: Int
    var panelStride: Int

    init(values: UnsafePointer<Float>, panelWidth: Int, rowStride: Int, panelStride: Int) {
        (self.values, self.panelWidth, self.rowStride, self.panelStride) = (values, panelWidth, rowStride, panelStride)
    }

    init(_ operand: RightOperand, _ set: KernelSet) {
        let width = set.tileColumns
        switch operand {
        case .matrix(let matrix):
            precondition(!matrix.isTransposed, "the micro-kernel cannot read a transposed right operand")
            self.init(values: matrix.values, panelWidth: width, rowStride: matrix.leading, panelStride: width)
        case .packed(let packed):
            let layout = packed.layout
            precondition(
                layout.element == set.element && layout.panelWidth == width && packed.firstColumn % width == 0
                    && packed.firstRow % layout.element.rowsPerWord == 0,
                "the micro-kernel reads panels of \(width) words, not \(layout) from (\(packed.firstRow), \(packed.firstColumn))")
            self.init(
                values: packed.bytes.assumingMemoryBound(to: Float.self)
                    + (packed.firstRow / layout.element.rowsPerWord * width + packed.firstColumn / width * layout.panelStride),
                panelWidth: width, rowStride: width, panelStride: layout.panelStride)
        }
    }

    /// Returns the part that starts at this row and column. The column is a multiple of the panels' width.
    func from(row: Int = 0, column: Int = 0) -> TileOperand {
        var part = self
        part.values += row * rowStride + column / panelWidth * panelStride
        return part
    }
}

extension MatrixView {
    /// Returns the part that starts at this row and step of the depth.
    @inline(__always)
    func from(row: Int = 0, step: Int = 0) -> MatrixView {
        var part = self
        part.values += isTransposed ? step &* leading &+ row : row &* leading &+ step
        return part
    }
}

/// A product of parts of A and B that fit in cache.
struct TileBlock {
    /// The number of rows from which A's part is larger than the next panel of B.
    private static let manyRows = 96

    var set: KernelSet
    var rows: Int
    var columns: Int
    var steps: Int
    var a: MatrixView
    var b: TileOperand
    /// Whether this is the last block along the depth.
    var isLastOfDepth: Bool
    var accumulates: Bool

    /// Copies A to `scratch` as [steps × rows] and uses the copy.
    mutating func copyLeft(into scratch: UnsafeMutablePointer<Float>) {
        for step in 0..<steps { (scratch + step * rows).update(from: a.from(step: step).values, count: rows) }
        a = MatrixView(transposing: scratch, rows: rows, columns: steps)
    }

    /// Multiplies the block.
    ///
    /// - Parameter panelScratch: memory for a copy of each panel of B; nil to read B in place.
    func multiply(into c: UnsafeMutablePointer<Float>, leading: Int, panelScratch: UnsafeMutablePointer<Float>?) {
        let vectorColumns = columns / KernelSet.columnUnit * KernelSet.columnUnit
        for column in stride(from: 0, to: vectorColumns, by: set.tileColumns) {
            var panel = b.from(column: column)
            let width = min(set.tileColumns, vectorColumns - column)
            if let panelScratch, width == set.tileColumns {
                copyPanel(panel.values, into: panelScratch)
                panel.values = UnsafePointer(panelScratch)
                panel.rowStride = width
            }
            multiply(panel, column: column, width: width, into: c + column, leading: leading)
        }
        if vectorColumns < columns { multiplyColumns(vectorColumns..<columns, into: c, leading: leading) }
    }

    /// Multiplies one panel in tiles of nearly equal height, at most that of the set. With very few rows per tile, the processor would wait
    /// for the sums in its registers.
    private func multiply(_ panel: TileOperand, column: Int, width: Int, into c: UnsafeMutablePointer<Float>, leading: Int) {
        let tile = MicroTile(
            depth: steps, isTransposed: a.isTransposed, leftStride: a.leading,
            rightStride: panel.rowStride, resultStride: leading,
            accumulates: accumulates)
        let tileRows = set.tileRows(columns: width)
        let tiles = (rows + tileRows - 1) / tileRows
        let (height, higher) = (rows / tiles, rows % tiles)
        // All panels read the same rows of A, so only the first panel can miss them in cache.
        let prefetchesRows = column == 0 && rows >= Self.manyRows && !a.isTransposed
        let prefetch =
            prefetchesRows
            ? Prefetch.rows(a.from(row: height).values, rowStride: a.leading, tileRows: tileRows)
            : Prefetch.panel(nextPanel(after: column), rowStride: b.rowStride, panelStride: b.panelStride, tiles: tiles, set)
        var operands = MicroTile.Operands(
            left: a.values, right: panel.values, result: c, prefetch: prefetch,
            prefetchShift: prefetchesRows ? a.leading &* tileRows : steps / tiles &* b.rowStride)
        set.multiply(tile, operands, rows: height + 1, columns: width, count: higher)
        let lowerRow = higher * (height + 1)
        operands.left = a.from(row: lowerRow).values
        operands.result = c + lowerRow &* leading
        operands.prefetch = prefetch.shifted(by: higher &* operands.prefetchShift)
        set.multiply(tile, operands, rows: height, columns: width, count: tiles - higher)
    }

    /// Returns the panel to prefetch: the next one to the right, or after the last one the first panel of the next block along the depth.
    private func nextPanel(after column: Int) -> UnsafePointer<Float> {
        let next = column + set.tileColumns
        return next < columns || isLastOfDepth ? b.from(column: next).values : b.from(row: steps, column: 0).values
    }

    private func copyPanel(_ panel: UnsafePointer<Float>, into scratch: UnsafeMutablePointer<Float>) {
        // A constant number of vectors needs no inner loop.
        if set.tileColumns == MicroTile.columns {
            copyPanel(panel, into: scratch, vectors: MicroTile.columns / 8)
        } else {
            copyPanel(panel, into: scratch, vectors: set.tileColumns / 8)
        }
    }

    @inline(__always)
    private func copyPanel(_ panel: UnsafePointer<Float>, into scratch: UnsafeMutablePointer<Float>, vectors: Int) {
        for step in 0..<steps {
            let source = UnsafeRawPointer(panel + step &* b.rowStride)
            let target = UnsafeMutableRawPointer(scratch + step &* (8 &* vectors))
            for vector in 0..<vectors {
                target.storeBytes(
                    of: source.loadUnaligned(fromByteOffset: 32 &* vector, as: SIMD8<Float>.self), toByteOffset: 32 &* vector,
                    as: SIMD8<Float>.self)
            }
        }
    }

    /// Multiplies the last columns if their number is not a multiple of eight. This is rare: channel counts of networks are multiples of
    /// eight.
    private func multiplyColumns(_ range: Range<Int>, into c: UnsafeMutablePointer<Float>, leading: Int) {
        for column in range {
            let values = b.values + column / b.panelWidth * b.panelStride + column % b.panelWidth
            for row in 0..<rows {
                var sum = accumulates ? c[row * leading + column] : 0
                for step in 0..<steps {
                    let (left, right) = (a.from(row: row, step: step).values.pointee, values[step &* b.rowStride])
                    switch set.element {
                    case .float32, .roundedFloat32: sum += left * right
                    case .bfloat16Pair:
                        let (a, b) = (BFloat16Pairs.numbers(left), BFloat16Pairs.numbers(right))
                        sum += a.first * b.first
                        sum += a.second * b.second
                    }
                }
                c[row * leading + column] = sum
            }
        }
    }
}
