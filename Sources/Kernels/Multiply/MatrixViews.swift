/// A matrix of floats in memory.
public struct MatrixView {
    public var values: UnsafePointer<Float>
    public var rows: Int
    public var columns: Int
    /// Floats from one stored row to the next.
    public var leading: Int
    /// Whether memory holds the transpose, [columns × rows].
    public var isTransposed: Bool

    /// A matrix that is stored as [rows × columns].
    ///
    /// - Parameter leading: floats from one row to the next; nil where rows follow on one another.
    public init(_ values: UnsafePointer<Float>, rows: Int, columns: Int, leading: Int? = nil) {
        self.values = values
        self.rows = rows
        self.columns = columns
        self.leading = leading ?? columns
        isTransposed = false
    }

    /// A matrix [rows × columns] that is stored as [columns × rows].
    ///
    /// - Parameter leading: floats from one stored row to the next; nil where they follow on one another.
    public init(transposing values: UnsafePointer<Float>, rows: Int, columns: Int, leading: Int? = nil) {
        self.values = values
        self.rows = rows
        self.columns = columns
        self.leading = leading ?? rows
        isTransposed = true
    }
}

/// The matrix that a product is written to, row-major.
public struct ResultView {
    public var values: UnsafeMutablePointer<Float>
    public var rows: Int
    public var columns: Int
    /// Floats from one row to the next.
    public var leading: Int

    /// - Parameter leading: nil where rows follow on one another.
    public init(_ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int, leading: Int? = nil) {
        self.values = values
        self.rows = rows
        self.columns = columns
        self.leading = leading ?? columns
    }

    /// The part of a result [… × `leading`] in these rows and columns.
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

/// A packed matrix, or the part of one that begins at a row and a column.
public struct PackedOperand {
    public var bytes: UnsafeRawPointer
    public var layout: PackedLayout
    public var firstRow = 0
    /// A multiple of `Blocking.columnUnit`.
    public var firstColumn = 0

    public init(_ bytes: UnsafeRawPointer, _ layout: PackedLayout) {
        self.bytes = bytes
        self.layout = layout
    }

    /// What begins at this row and column.
    public func from(row: Int = 0, column: Int = 0) -> PackedOperand {
        var part = self
        part.firstRow += row
        part.firstColumn += column
        return part
    }
}
