/// How the work of a product with a batch's pixels as rows is shared out: by blocks of rows and, where these are few (a single image of 7 × 7
/// pixels is one block), by parts of the columns too. How it is shared out changes no bit of the result.
struct ProductBlocks {
    let rows: RowBlocks
    private let columns: Int
    private let parts: Int
    /// Columns of a part: 128, or 64 where a result of 128 columns would be one part.
    private let partColumns: Int

    /// With this many blocks of rows, threads are occupied well enough.
    private static let enoughBlocks = 8

    init(_ rows: RowBlocks, columns: Int) {
        self.rows = rows
        self.columns = columns
        partColumns = columns > 128 ? 128 : 64
        parts = rows.count >= Self.enoughBlocks ? 1 : (columns + partColumns - 1) / partColumns
    }

    /// Calls `multiply(rows, columns)` for all of the result, in parallel, and `finish` for every block of rows that is complete.
    func forEach(_ multiply: (Range<Int>, Range<Int>) -> Void, finish: RowFinisher) {
        if parts == 1 {
            rows.forEach { block, range in
                multiply(range, 0..<columns)
                finish(block, range)
            }
            return
        }
        Parallel.forEach(rows.count * parts) { task in
            let first = task % parts * partColumns
            multiply(rows[task / parts], first..<min(first + partColumns, columns))
        }
        rows.forEach(finish)
    }
}
