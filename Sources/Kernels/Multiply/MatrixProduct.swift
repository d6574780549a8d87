import COpenBLAS

/// Row-major single-precision matrix products, single-threaded (the kernels split the work outside).
public enum MatrixProduct {
    /// C ← op(A) · op(B) + beta · C, with op(A) rows × depth, op(B) depth × columns and C rows × columns.
    ///
    /// The leading dimensions are the strides, in floats, between the rows of A, B and C as they are stored.
    @inline(__always)
    public static func multiply(
        rows: Int, columns: Int, depth: Int,
        _ a: UnsafePointer<Float>, leading leadingA: Int, transposedA: Bool = false,
        _ b: UnsafePointer<Float>, leading leadingB: Int, transposedB: Bool = false,
        into c: UnsafeMutablePointer<Float>, leading leadingC: Int, beta: Float = 0
    ) {
        if rows == 0 || columns == 0 || depth == 0 { return }
        if rows == 1 && !transposedA && transposedB {
            // A single image through a linear layer: a matrix product would first copy all of the weights.
            cblas_sgemv(
                CblasRowMajor, CblasNoTrans, blasint(columns), blasint(depth), 1, b, blasint(leadingB), a, 1, beta, c, 1)
            return
        }
        cblas_sgemm(
            CblasRowMajor, transposedA ? CblasTrans : CblasNoTrans, transposedB ? CblasTrans : CblasNoTrans,
            blasint(rows), blasint(columns), blasint(depth), 1, a, blasint(leadingA), b, blasint(leadingB), beta,
            c, blasint(leadingC))
    }
}
