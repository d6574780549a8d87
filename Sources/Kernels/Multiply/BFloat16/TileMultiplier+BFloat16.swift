/// Products of operands that are rounded to bfloat16, with sums in 32 bits.
///
/// A packed operand has rounded numbers already. The others are rounded part by part into scratch memory, while they are in cache: the rows
/// of A once for all columns of a task, and a matrix B once for all of its rows.
extension TileMultiplier {
    func multiplyRounded(_ a: MatrixView, _ b: RightOperand, into c: ResultView, accumulates: Bool, _ buffers: BufferPool) {
        let (set, element) = (kernelSet, kernelSet.element)
        // Sums are split at the same depth with pairs and with floats.
        let depthBlock = 2 * Self.part((a.columns + 1) / 2, max: set.depthBlock / 2, unit: Prefetch.interval)
        let rowBlock = Self.part(c.rows, max: set.rowBlock, unit: set.tileRows(columns: c.columns))
        let leftCount = rowBlock * element.words(depthBlock)
        buffers.withScratch(leftCount + Self.rightCount(b, columns: c.columns, depthBlock, set)) { scratch in
            for first in stride(from: 0, to: a.columns, by: depthBlock) {
                let numbers = first..<min(first + depthBlock, a.columns)
                let right = Self.right(b, numbers, columns: c.columns, set, scratch + leftCount)
                for firstRow in stride(from: 0, to: c.rows, by: rowBlock) {
                    let rows = min(rowBlock, c.rows - firstRow)
                    let block = TileBlock(
                        set: set, rows: rows, columns: c.columns, steps: element.words(numbers.count),
                        a: Self.left(a.from(row: firstRow, step: first), rows, numbers.count, element, scratch), b: right,
                        isLastOfDepth: numbers.upperBound == a.columns, accumulates: accumulates || first > 0)
                    block.multiply(into: c.values + firstRow * c.leading, leading: c.leading, panelScratch: nil)
                }
            }
        }
    }

    /// The words of a part of A, in the order in which its numbers are stored.
    private static func left(
        _ a: MatrixView, _ rows: Int, _ count: Int, _ element: PanelElement, _ words: UnsafeMutablePointer<Float>
    ) -> MatrixView {
        let steps = element.words(count)
        if a.isTransposed {
            element.pack(rows: a.values, leading: a.leading, count: count, columns: rows, into: words, leading: rows)
            return MatrixView(transposing: words, rows: rows, columns: steps)
        }
        for row in 0..<rows { element.pack(along: a.values + row &* a.leading, count: count, into: words + row &* steps) }
        return MatrixView(words, rows: rows, columns: steps)
    }

    private static func rightCount(_ b: RightOperand, columns: Int, _ depthBlock: Int, _ set: KernelSet) -> Int {
        guard case .matrix = b else { return 0 }
        return (columns + set.tileColumns - 1) / set.tileColumns * set.tileColumns * set.element.words(depthBlock)
    }

    /// The words of a part of B in panels.
    private static func right(
        _ b: RightOperand, _ numbers: Range<Int>, columns: Int, _ set: KernelSet, _ words: UnsafeMutablePointer<Float>
    ) -> TileOperand {
        let element = set.element
        guard case .matrix(let matrix) = b else {
            return TileOperand(b, set).from(row: numbers.lowerBound / element.rowsPerWord)
        }
        precondition(!matrix.isTransposed, "the micro-kernel cannot read a transposed right operand")
        let (width, steps) = (set.tileColumns, element.words(numbers.count))
        let source = matrix.from(row: numbers.lowerBound)
        for column in stride(from: 0, to: columns, by: width) {
            element.pack(
                rows: source.values + column, leading: matrix.leading, count: numbers.count, columns: min(width, columns - column),
                into: words + column * steps, leading: width)
        }
        return TileOperand(values: words, panelWidth: width, rowStride: width, panelStride: steps * width)
    }
}
