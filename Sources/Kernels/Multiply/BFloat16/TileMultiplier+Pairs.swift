/// Products of operands that are rounded to bfloat16, with sums in 32 bits.
///
/// Both operands are read in words of two numbers. A packed operand has them already. The others are rounded part by part into scratch
/// memory, while they are in cache: the rows of A once for all columns of a task, and a matrix B once for all of its rows.
extension TileMultiplier {
    func multiplyPairs(
        _ a: MatrixView, _ b: RightOperand, into c: ResultView, accumulates: Bool, _ pairs: BFloat16Pairs, _ buffers: BufferPool
    ) {
        let (set, words) = (kernelSet, BFloat16Pairs.words(a.columns))
        // A part has as many numbers as one of floats, and half as many bytes.
        let depthBlock = Self.part(words, max: set.depthBlock / 2, unit: Prefetch.interval)
        let rowBlock = Self.part(c.rows, max: set.rowBlock, unit: set.tileRows)
        let leftCount = rowBlock * depthBlock
        buffers.withScratch(leftCount + Self.rightCount(b, columns: c.columns, depthBlock, set)) { scratch in
            for firstWord in stride(from: 0, to: words, by: depthBlock) {
                let steps = min(depthBlock, words - firstWord)
                let numbers = 2 * firstWord..<min(2 * (firstWord + steps), a.columns)
                let right = Self.right(b, numbers, columns: c.columns, set, pairs, scratch + leftCount)
                for firstRow in stride(from: 0, to: c.rows, by: rowBlock) {
                    let rows = min(rowBlock, c.rows - firstRow)
                    let block = TileBlock(
                        set: set, rows: rows, columns: c.columns, steps: steps,
                        a: Self.left(a.from(row: firstRow, step: numbers.lowerBound), rows, numbers.count, pairs, scratch), b: right,
                        isLastOfDepth: firstWord + steps == words, accumulates: accumulates || firstWord > 0)
                    block.multiply(into: c.values + firstRow * c.leading, leading: c.leading, panelScratch: nil)
                }
            }
        }
    }

    /// The words of a part of A, in the order in which its numbers are stored.
    private static func left(
        _ a: MatrixView, _ rows: Int, _ count: Int, _ pairs: BFloat16Pairs, _ words: BFloat16Pairs.Words
    ) -> MatrixView {
        let steps = BFloat16Pairs.words(count)
        if a.isTransposed {
            pairRows(a.values, leading: a.leading, count: count, columns: rows, pairs, words, leading: rows)
            return MatrixView(transposing: words, rows: rows, columns: steps)
        }
        for row in 0..<rows { pairs.pairRow(a.values + row &* a.leading, count: count, into: words + row &* steps) }
        return MatrixView(words, rows: rows, columns: steps)
    }

    private static func rightCount(_ b: RightOperand, columns: Int, _ depthBlock: Int, _ set: KernelSet) -> Int {
        guard case .matrix = b else { return 0 }
        return (columns + set.tileColumns - 1) / set.tileColumns * set.tileColumns * depthBlock
    }

    /// The words of a part of B in panels.
    private static func right(
        _ b: RightOperand, _ numbers: Range<Int>, columns: Int, _ set: KernelSet, _ pairs: BFloat16Pairs, _ words: BFloat16Pairs.Words
    ) -> TileOperand {
        guard case .matrix(let matrix) = b else { return TileOperand(b, set).from(row: numbers.lowerBound / 2) }
        precondition(!matrix.isTransposed, "the micro-kernel cannot read a transposed right operand")
        let (width, steps) = (set.tileColumns, BFloat16Pairs.words(numbers.count))
        let source = matrix.from(row: numbers.lowerBound)
        for column in stride(from: 0, to: columns, by: width) {
            pairRows(
                source.values + column, leading: matrix.leading, count: numbers.count, columns: min(width, columns - column), pairs,
                words + column * steps, leading: width)
        }
        return TileOperand(values: words, panelWidth: width, rowStride: width, panelStride: steps * width)
    }

    /// words ← pairs of `count` neighbouring rows.
    private static func pairRows(
        _ rows: UnsafePointer<Float>, leading: Int, count: Int, columns: Int, _ pairs: BFloat16Pairs, _ words: BFloat16Pairs.Words,
        leading target: Int
    ) {
        for step in 0..<BFloat16Pairs.words(count) {
            let even = rows + 2 &* step &* leading
            pairs.pairRows(even, 2 &* step &+ 1 < count ? even + leading : nil, count: columns, into: words + step &* target)
        }
    }
}
