/// Computes the matrix products of all convolutions and linear layers. An implementation defines its packed layout, its blocking and its
/// cost model. All implementations share the surrounding kernels.
///
/// Products are single-threaded; the kernels divide the work among threads. Another instruction set of the tiles is a
/// `KernelSet`; another element type also needs a layout (`PackedLayout.element`).
public protocol MatrixMultiplier: Sendable {
    var kind: ProductsKind { get }
    var blocking: Blocking { get }
    var convolutionCost: ConvolutionCostModel { get }

    /// Returns the layout in which `multiply` reads a packed right operand of this size.
    func packedLayout(depth: Int, columns: Int) -> PackedLayout

    /// C ← A B, or C += A B if `accumulates`.
    ///
    /// The sum of an element follows the depth in one order that does not depend on the number of threads.
    ///
    /// - Parameters:
    ///   - a: [rows × depth].
    ///   - b: [depth × columns], either packed by this multiplier or a matrix that is not transposed.
    ///   - c: [rows × columns].
    ///   - accumulates: whether C keeps its values and the product is added.
    ///   - buffers: scratch memory.
    func multiply(_ a: MatrixView, _ b: RightOperand, into c: ResultView, accumulates: Bool, _ buffers: BufferPool)

    /// C ← A B, or C += A B if `accumulates`, for linear layers. Both operands are plain matrices; either can be transposed.
    func multiplyPlain(_ a: MatrixView, _ b: MatrixView, into c: ResultView, accumulates: Bool)
}

/// The implementations of `MatrixMultiplier`.
public enum ProductsKind: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
    /// OpenBLAS's sgemm: the reference. It selects kernels for the processor at run time.
    case openblas
    /// This project's micro-kernels, one for each instruction set.
    case tiles

    /// - Parameters:
    ///   - instructions: of the tiles. OpenBLAS selects its own.
    ///   - precision: of the operands. OpenBLAS computes in 32 bits.
    func multiplier(_ instructions: InstructionSet = .compiled, _ precision: Precision = .float32) -> any MatrixMultiplier {
        switch self {
        case .openblas:
            precondition(precision == .float32, "only tiles multiply bfloat16 numbers")
            return OpenBLASMultiplier()
        case .tiles: return TileMultiplier(instructions, precision: precision)
        }
    }

    /// The multipliers of convolutions, and of Winograd's transforms.
    func multipliers(_ instructions: InstructionSet, _ precision: Precision) -> (any MatrixMultiplier, any MatrixMultiplier) {
        (multiplier(instructions, precision), multiplier(instructions))
    }
}
