import COpenBLAS

/// The parallel loop that every kernel uses. Threads that are done with their tasks take others', so uneven ones balance; what a task
/// computes never depends on the thread that runs it nor on how many there are, which keeps results bit-identical at any
/// thread count.
public enum Parallel {
    /// Threads that a rank's kernels may use, set once at the start, before any kernel runs.
    nonisolated(unsafe) public private(set) static var threadCount = 1
    nonisolated(unsafe) private static var pool: WorkerPool?

    /// Sets the number of threads, and keeps OpenBLAS single-threaded inside: the parallelism is over images and tiles, outside.
    public static func configure(threadCount: Int) {
        precondition(threadCount >= 1, "a rank computes with at least one thread, not \(threadCount)")
        Self.threadCount = threadCount
        pool?.end()
        pool = threadCount > 1 ? WorkerPool(workers: threadCount - 1) : nil
        openblas_set_num_threads(1)
    }

    /// Runs `body` for 0 ..< count, on up to `threadCount` threads, and returns when all are done.
    @inline(__always)
    public static func forEach(_ count: Int, _ body: (Int) -> Void) {
        if count > 1, let pool = pool {
            pool.run(count: count, body)
        } else {
            for index in 0..<count { body(index) }
        }
    }

    /// Runs `body` on consecutive ranges that cover 0 ..< count, each `blockSize` long but for the last.
    @inline(__always)
    public static func forEachBlock(_ count: Int, blockSize: Int, _ body: (Range<Int>) -> Void) {
        let blockCount = (count + blockSize - 1) / blockSize
        forEach(blockCount) { block in
            let start = block * blockSize
            body(start..<min(start + blockSize, count))
        }
    }

    /// Runs `body(image, rows)` on bands of `bandRows` rows of each image, so that a single one too is shared out.
    @inline(__always)
    public static func forEachBand(images: Int, rows: Int, bandRows: Int, _ body: (Int, Range<Int>) -> Void) {
        let bands = (rows + bandRows - 1) / bandRows
        forEach(images * bands) { task in
            let start = task % bands * bandRows
            body(task / bands, start..<min(start + bandRows, rows))
        }
    }
}
