import COpenBLAS

/// What kernels share: threads, scratch memory and settings. A program makes one context and hands it down; several contexts can live in
/// one process and compute at the same time.
///
/// A tensor keeps the context that it was made with. A layer computes on the context of its input, so that networks need none. Kernels
/// without tensors take a context in `init` or as a parameter. Results do not depend on the number of threads.
public final class KernelContext: Sendable {
    public let threads: ThreadPool
    public let buffers: BufferPool
    /// Which 3×3 convolutions of stride 1 use Winograd's transforms.
    public let winograd: WinogradUse
    /// The matrix products of convolutions and linear layers.
    public let products: any MatrixMultiplier

    /// - Parameters:
    ///   - threadCount: threads that compute, the calling one included; at least 1.
    ///   - products: what multiplies matrices. Results of different choices differ in the last bits.
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

    /// A context with the same threads, buffers and settings that multiplies matrices in another way.
    public func with(products: ProductsKind) -> KernelContext { with(products: products.multiplier) }

    func with(products: any MatrixMultiplier) -> KernelContext { KernelContext(self, products: products) }

    private static func keepOpenBLASSingleThreaded() {
        // The kernels run products on their own threads. OpenBLAS's threads would compete with these for the cores.
        openblas_set_num_threads(1)
    }
}
