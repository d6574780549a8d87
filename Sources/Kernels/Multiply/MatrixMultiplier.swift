/// The matrix products of all convolutions and linear layers. An implementation brings the packed layout, the blocking and the cost model
/// that suit it; the kernels around it are the same for all.
///
/// Products are single-threaded: the kernels divide the work among the threads outside. An implementation for another instruction set or
/// element type adds a layout (`PackedLayout.Element`) and conforms to this protocol.
public protocol MatrixMultiplier: Sendable {
    var kind: ProductsKind { get }
    var blocking: Blocking { get }
    var convolutionCost: ConvolutionCostModel { get }

    /// The layout in which `multiply` reads a packed right operand of this size.
    func packedLayout(depth: Int, columns: Int) -> PackedLayout

    /// C ← A B, or C += A B where `accumulates`.
    ///
    /// An element's sum goes along the depth in one order, whatever the number of threads.
    ///
    /// - Parameters:
    ///   - a: [rows × depth].
    ///   - b: [depth × columns], packed by this multiplier, or a matrix that is not transposed.
    ///   - c: [rows × columns].
    func multiply(_ a: MatrixView, _ b: RightOperand, into c: ResultView, accumulates: Bool, _ buffers: BufferPool)

    /// The same for the products of linear layers, where both operands are plain matrices, either of them transposed.
    func multiplyPlain(_ a: MatrixView, _ b: MatrixView, into c: ResultView, accumulates: Bool)
}

/// The implementations of `MatrixMultiplier`.
public enum ProductsKind: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
    /// OpenBLAS's sgemm: the reference, with a run-time choice of kernels for the processor.
    case openblas
    /// Micro-kernels of 6 × 16 floats for AVX2.
    case tiles

    var multiplier: any MatrixMultiplier {
        switch self {
        case .openblas: return OpenBLASMultiplier()
        case .tiles: return TileMultiplier()
        }
    }
}
