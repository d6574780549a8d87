/// How a product with a batch's pixels as rows is divided into tasks: by blocks of rows and, where these are few (a single image of 7 × 7
/// pixels is one block), by parts of the columns too. The division changes no bit of the result.
struct ProductBlocks {
    let rows: RowBlocks
    private let columns: Int
    private let parts: Int
    private let partColumns: Int
    /// The order in which the larger operand is read once: with more columns than rows, all blocks of rows come one after another for the
    /// same columns.
    private let hasColumnsOutside: Bool

    /// So many blocks of rows occupy the threads without a division of the columns.
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

    /// Calls `multiply(rows, columns)` for all of the result, in parallel, and `finish` for each part that is complete.
    func forEach(_ threads: ThreadPool, _ multiply: (Range<Int>, Range<Int>) -> Void, finish: BlockFinisher) {
        threads.forEach(rows.count * parts) { task in
            let (block, part) = hasColumnsOutside ? (task % rows.count, task / rows.count) : (task / parts, task % parts)
            let (range, partRange) = (rows[block], part * partColumns..<min((part + 1) * partColumns, columns))
            multiply(range, partRange)
            finish(block, range, partRange)
        }
    }
}
