/// Divides a product with a batch's pixels as rows into tasks: blocks of rows and, if there are few of them, parts of the columns. (A
/// single image of 7 × 7 pixels is one block.) The division does not change any bit of the result.
struct ProductBlocks {
    let rows: RowBlocks
    private let columns: Int
    private let parts: Int
    private let partColumns: Int
    /// Whether the tasks of all row blocks for the same columns follow each other. This is the case with more columns than rows. The larger
    /// operand is then read only once.
    private let hasColumnsOutside: Bool

    /// The number of row blocks that keeps the threads busy without dividing the columns.
    private static let enoughBlocks = 8

    init(_ rows: RowBlocks, columns: Int, _ blocking: Blocking) {
        self.rows = rows
        self.columns = columns
        if rows.count >= Self.enoughBlocks {
            partColumns = columns
        } else {
            partColumns = columns > blocking.taskColumns ? blocking.taskColumns : blocking.narrowTaskColumns
        }
        parts = (columns + partColumns - 1) / partColumns
        hasColumnsOutside = columns > rows.rowCount
    }

    /// Calls `multiply(rows, columns)` for all parts of the result in parallel, and `finish` for each complete part.
    func forEach(_ threads: ThreadPool, _ multiply: (Range<Int>, Range<Int>) -> Void, finish: BlockFinisher) {
        threads.forEach(rows.count * parts) { task in
            let (block, part) = hasColumnsOutside ? (task % rows.count, task / rows.count) : (task / parts, task % parts)
            let (range, partRange) = (rows[block], part * partColumns..<min((part + 1) * partColumns, columns))
            multiply(range, partRange)
            finish(block, range, partRange)
        }
    }
}
