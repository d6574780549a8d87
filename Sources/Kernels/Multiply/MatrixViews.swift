/// A matrix of floats in memory.
public struct MatrixView {
    /// The first element of the stored matrix.
    public var values: UnsafePointer<Float>
    /// Rows of the matrix (not of its stored transpose).
    public var rows: Int
    /// Columns of the matrix (not of its stored transpose).
    public var columns: Int
    /// Floats from one stored row to the next.
    public var leading: Int
    /// Whether memory holds the transpose [columns × rows].
    public var isTransposed: Bool

    /// Creates a view of a matrix that is stored as [rows × columns].
    ///
    /// - Parameters:
    ///   - values: the first element.
    ///   - rows: of the matrix.
    ///   - columns: of the matrix.
    ///   - leading: floats from one row to the next; nil if rows are contiguous.
    public init(_ values: UnsafePointer<Float>, rows: Int, columns: Int, leading: Int? = nil) {
        self.values = values
        self.rows = rows
        self.columns = columns
        self.leading = leading ?? columns
        isTransposed = false
    }

    /// Creates a view of a matrix [rows × columns] that is stored as [columns × rows].
    ///
    /// - Parameters:
    ///   - values: the first element.
    ///   - rows: of the matrix.
    ///   - columns: of the matrix.
    ///   - leading: floats from one stored row to the next; nil if stored rows are contiguous.
    public init(transposing values: UnsafePointer<Float>, rows: Int, columns: Int, leading: Int? = nil) {
        self.values = values
        self.rows = rows
        self.columns = columns
        self.leading = leading ?? rows
        isTransposed = true
    }
}

/// The row-major matrix that a product writes to.
public struct ResultView {
    /// The first element of the matrix.
    public var values: UnsafeMutablePointer<Float>
    /// Rows of the matrix.
    public var rows: Int
    /// Columns of the matrix.
    public var columns: Int
    /// Floats from one row to the next.
    public var leading: Int

    /// - Parameters:
    ///   - values: the first element.
    ///   - rows: of the matrix.
    ///   - columns: of the matrix.
    ///   - leading: floats from one row to the next; nil if rows are contiguous.
    public init(_ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int, leading: Int? = nil) {
        self.values = values
        self.rows = rows
        self.columns = columns
        self.leading = leading ?? columns
    }

    /// Creates a view of these rows and columns of a result [… × `leading`].
    init(_ values: UnsafeMutablePointer<Float>, rows: Range<Int>, columns: Range<Int>, leading: Int) {
        self.init(
            values + (rows.lowerBound * leading + columns.lowerBound), rows: rows.count, columns: columns.count, leading: leading)
    }
}

/// The right operand of a product.
public enum RightOperand {
    case matrix(MatrixView)
    case packed(PackedOperand)
}

/// A packed matrix, or the part of one that starts at a given row and column.
public struct PackedOperand {
    /// The first byte of the whole packed matrix.
    public var bytes: UnsafeRawPointer
    /// The layout of the whole packed matrix.
    public var layout: PackedLayout
    /// The row of the packed matrix where the operand starts.
    public var firstRow = 0
    /// The column of the packed matrix where the operand starts: a multiple of `Blocking.columnUnit`.
    public var firstColumn = 0

    /// Creates an operand from a whole packed matrix.
    public init(_ bytes: UnsafeRawPointer, _ layout: PackedLayout) {
        self.bytes = bytes
        self.layout = layout
    }

    /// Returns the part that starts at this row and column of the operand.
    public func from(row: Int = 0, column: Int = 0) -> PackedOperand {
        var part = self
        part.firstRow += row
        part.firstColumn += column
        return part
    }
}
