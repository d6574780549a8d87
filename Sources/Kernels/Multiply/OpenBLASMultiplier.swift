import COpenBLAS

/// Computes products with OpenBLAS's sgemm. This is the reference: it works on every processor, and tests compare every other
/// implementation with it.
///
/// sgemm packs both operands itself, so the packed layout is the plain matrix. It sums small products in another order than large ones. The
/// last bits of an image's result can therefore depend on the batch size. They do not depend on the number of threads.
public struct OpenBLASMultiplier: MatrixMultiplier {
    public let kind = ProductsKind.openblas
    /// sgemm packs the left operand again for each part of the columns, so parts are wider than for the tiles.
    public let blocking = Blocking(
        columnUnit: 1, taskColumns: 256, narrowTaskColumns: 64, weightGradientRows: 192, weightGradientRowsOfManyColumns: 256,
        weightGradientManyColumns: 512, weightGradientColumns: 256, patchSlices: 12, patchSliceColumns: 96, winogradPartChannels: 128)
    public let convolutionCost = ConvolutionCostModel(preparedWeight: 16, weight: 40)

    public init() {}

    /// The library's version, and the kernels that it selected for this processor.
    public static var libraryDescription: String { String(cString: openblas_get_config()) + " " + String(cString: openblas_get_corename()) }

    public func packedLayout(depth: Int, columns: Int) -> PackedLayout {
        PackedLayout(depth: depth, columns: columns, panelWidth: max(columns, 1))
    }

    public func multiply(_ a: MatrixView, _ b: RightOperand, into c: ResultView, accumulates: Bool, _ buffers: BufferPool) {
        switch b {
        case .matrix(let matrix): multiplyPlain(a, matrix, into: c, accumulates: accumulates)
        case .packed(let packed):
            packed.forEachPanel(columns: c.columns) { panel, columns in
                var part = c
                part.values += columns.lowerBound
                part.columns = columns.count
                multiplyPlain(a, panel, into: part, accumulates: accumulates)
            }
        }
    }

    public func multiplyPlain(_ a: MatrixView, _ b: MatrixView, into c: ResultView, accumulates: Bool) {
        if c.rows == 0 || c.columns == 0 { return }
        let beta: Float = accumulates ? 1 : 0
        if c.rows == 1 && !a.isTransposed && b.isTransposed {
            // A single image through a linear layer. sgemm would first copy all of the weights.
            cblas_sgemv(
                CblasRowMajor, CblasNoTrans, blasint(c.columns), blasint(a.columns), 1, b.values, blasint(b.leading), a.values, 1, beta,
                c.values, 1)
            return
        }
        cblas_sgemm(
            CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans, blasint(c.rows),
            blasint(c.columns), blasint(a.columns), 1, a.values, blasint(a.leading), b.values, blasint(b.leading), beta, c.values,
            blasint(c.leading))
    }
}

extension PackedOperand {
    /// Calls `body(matrix, columns)` for each panel of float32 that the first `count` columns touch. `columns` is relative to the operand's
    /// first column.
    fileprivate func forEachPanel(columns count: Int, _ body: (MatrixView, Range<Int>) -> Void) {
        precondition(layout.element == .float32, "sgemm multiplies floats, not \(layout.element)")
        let values = bytes.assumingMemoryBound(to: Float.self)
        var column = 0
        while column < count {
            let (panel, offset) = (firstColumn + column).quotientAndRemainder(dividingBy: layout.panelWidth)
            let width = min(layout.panelWidth - offset, count - column)
            body(
                MatrixView(
                    values + (panel * layout.panelStride + firstRow * layout.panelWidth + offset), rows: layout.depth - firstRow,
                    columns: width, leading: layout.panelWidth), column..<column + width)
            column += width
        }
    }
}
