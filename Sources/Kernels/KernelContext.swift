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

    /// Creates a context with its own threads and buffers.
    ///
    /// - Parameters:
    ///   - threadCount: the number of computing threads, including the calling one; at least 1.
    ///   - winograd: which 3×3 convolutions of stride 1 use Winograd's transforms.
    ///   - products: the implementation of matrix products. Results of different implementations differ in the last bits.
    public init(threadCount: Int, winograd: WinogradUse = .wherePays, products: ProductsKind = .tiles) {
        threads = ThreadPool(threadCount: threadCount)
        buffers = BufferPool()
        self.winograd = winograd
        self.products = products.multiplier
        Self.keepOpenBLASSingleThreaded()
    }

    private init(_ other: KernelContext, products: any MatrixMultiplier) {
        (threads, buffers, winograd) = (other.threads, other.buffers, other.winograd)
        self.products = products
    }

    /// Returns a context with the same threads, buffers and settings and another implementation of matrix products.
    public func with(products: ProductsKind) -> KernelContext { with(products: products.multiplier) }

    func with(products: any MatrixMultiplier) -> KernelContext { KernelContext(self, products: products) }

    private static func keepOpenBLASSingleThreaded() {
        // The kernels run products on their own threads. OpenBLAS's threads would compete with them for the cores.
        openblas_set_num_threads(1)
    }
}
