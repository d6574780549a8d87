import COpenBLAS

/// The state that kernels share: threads, scratch memory and settings. A program makes one context and passes it down. Several contexts can
/// exist in one process and compute at the same time.
///
/// A tensor keeps the context that it was made with. A layer computes on the context of its input, so networks need none. Kernels without
/// tensors take a context in `init` or as a parameter. Results do not depend on the number of threads.
public final class KernelContext: Sendable {
    /// The threads that run parallel loops.
    public let threads: ThreadPool
    /// Scratch memory and the memory of tensors.
    public let buffers: BufferPool
    /// Selects the 3×3 convolutions of stride 1 that use Winograd's transforms.
    public let winograd: WinogradUse
    /// Computes the matrix products of convolutions and linear layers.
    public let products: any MatrixMultiplier
    /// Computes the products of Winograd's transforms. They have 32 bits: bfloat16 products of F(4×4) have five times the rounding error of
    /// direct ones.
    let winogradProducts: any MatrixMultiplier
    /// The precision of the operands of `products`.
    public let precision: Precision
    /// The instruction set of the tiles, also while OpenBLAS computes the products.
    public let instructions: InstructionSet

    /// Creates a context with its own threads and buffers.
    ///
    /// - Parameters:
    ///   - threadCount: the number of computing threads, including the calling one; at least 1.
    ///   - winograd: which 3×3 convolutions of stride 1 use Winograd's transforms.
    ///   - products: the implementation of matrix products. Results of different implementations differ in the last bits.
    ///   - instructions: of the tiles, one that this processor has. It changes no bit of the results.
    ///   - precision: of the operands of convolutions. Only tiles compute with bfloat16.
    public init(
        threadCount: Int, winograd: WinogradUse = .wherePays, products: ProductsKind = .tiles, instructions: InstructionSet = .compiled,
        precision: Precision = .float32
    ) {
        threads = ThreadPool(threadCount: threadCount)
        buffers = BufferPool()
        self.winograd = winograd
        (self.products, winogradProducts) = products.multipliers(instructions, precision)
        (self.instructions, self.precision) = (instructions, precision)
        Self.keepOpenBLASSingleThreaded()
    }

    private init(
        _ other: KernelContext, _ multipliers: (any MatrixMultiplier, any MatrixMultiplier), _ instructions: InstructionSet,
        _ precision: Precision
    ) {
        (threads, buffers, winograd) = (other.threads, other.buffers, other.winograd)
        (products, winogradProducts) = multipliers
        (self.instructions, self.precision) = (instructions, precision)
    }

    /// Returns a context with the same threads, buffers and settings and another implementation of matrix products.
    ///
    /// - Parameters:
    ///   - products: the implementation.
    ///   - instructions: of the tiles; nil to keep those of this context.
    ///   - precision: of the operands.
    public func with(products: ProductsKind, instructions: InstructionSet? = nil, precision: Precision = .float32) -> KernelContext {
        let instructions = instructions ?? self.instructions
        return KernelContext(self, products.multipliers(instructions, precision), instructions, precision)
    }

    func with(products: any MatrixMultiplier) -> KernelContext { KernelContext(self, (products, products), instructions, precision) }

    private static func keepOpenBLASSingleThreaded() {
        // The kernels run products on their own threads. OpenBLAS's threads would compete with them for the cores.
        openblas_set_num_threads(1)
    }
}
