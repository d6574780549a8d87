import COpenBLAS

/// What kernels share: threads, scratch memory and settings. A program makes one context and hands it down; several contexts can live in one
/// process and compute at the same time.
///
/// A tensor keeps the context that it was made with. A layer computes on the context of its input, so that networks need none. Kernels
/// without tensors take a context in `init` or as a parameter. Results do not depend on the number of threads.
public final class KernelContext: Sendable {
    public let threads: ThreadPool
    public let buffers: BufferPool
    /// Which 3×3 convolutions of stride 1 use Winograd's transforms.
    public let winograd: WinogradUse

    /// - Parameter threadCount: threads that compute, the calling one included; at least 1.
    public init(threadCount: Int, winograd: WinogradUse = .wherePays) {
        threads = ThreadPool(threadCount: threadCount)
        buffers = BufferPool()
        self.winograd = winograd
        // The kernels run products on their own threads. OpenBLAS's threads would compete with these for the cores.
        openblas_set_num_threads(1)
    }
}
