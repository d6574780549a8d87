/// How the work of a product with a batch's pixels as rows is shared out: by blocks of rows and, where these are few (a single image of 7 × 7
/// pixels is one block), by parts of the columns too. How it is shared out changes no bit of the result.
struct ProductBlocks {
    let rows: RowBlocks
    private let columns: Int
    private let parts: Int
    /// Columns of a part: all where there are enough blocks of rows; else 128, or 64 where a result of 128 columns would be one part.
    private let partColumns: Int
    /// The larger operand is read once: with more columns than rows, all blocks of rows come one after another for the same columns.
    private let hasColumnsOutside: Bool

    /// With this many blocks of rows, threads are occupied well enough.
    private static let enoughBlocks = 8

    init(_ rows: RowBlocks, columns: Int) {
        self.rows = rows
        self.columns = columns
        partColumns = rows.count >= Self.enoughBlocks ? columns : columns > 128 ? 128 : 64
        parts = (columns + partColumns - 1) / partColumns
        hasColumnsOutside = columns > rows.rowCount
    }

    /// Calls `multiply(rows, columns)` for all of the result, in parallel, and `finish` for what is complete.
    func forEach(_ threads: ThreadPool, _ multiply: (Range<Int>, Range<Int>) -> Void, finish: BlockFinisher) {
        threads.forEach(rows.count * parts) { task in
            let (block, part) = hasColumnsOutside ? (task % rows.count, task / rows.count) : (task / parts, task % parts)
            let (range, partRange) = (rows[block], part * partColumns..<min((part + 1) * partColumns, columns))
            multiply(range, partRange)
            finish(block, range, partRange)
        }
    }
}
