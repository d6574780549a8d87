/// The parallel loop that every kernel uses. A thread that runs out of tasks steals from the others, so that uneven tasks balance. What a
/// task computes depends neither on the thread that runs it nor on the number of threads: results have the same bits at any thread count.
///
/// The worker threads end when the pool goes away.
public final class ThreadPool: Sendable {
    /// Threads that run tasks, the calling one included.
    public let count: Int
    /// Nil with one thread. An object of its own: the threads keep it alive, and must not keep the pool alive.
    private let workers: WorkerThreads?

    public init(threadCount: Int) {
        precondition(threadCount >= 1, "a pool computes with at least one thread, not \(threadCount)")
        count = threadCount
        workers = threadCount > 1 ? WorkerThreads(count: threadCount - 1) : nil
    }

    deinit { workers?.end() }

    /// Runs `body` for 0 ..< count and returns when all are done. Within a task, or while another thread's loop is under way, the calling
    /// thread runs all of them alone.
    @inline(__always)
    public func forEach(_ count: Int, _ body: (Int) -> Void) {
        if count > 1, let workers {
            workers.run(count: count, body)
        } else {
            for index in 0..<count { body(index) }
        }
    }

    /// Runs `body` on consecutive ranges that cover 0 ..< count, each `blockSize` long but for the last.
    @inline(__always)
    public func forEachBlock(_ count: Int, blockSize: Int, _ body: (Range<Int>) -> Void) {
        let blockCount = (count + blockSize - 1) / blockSize
        forEach(blockCount) { block in
            let start = block * blockSize
            body(start..<min(start + blockSize, count))
        }
    }

    /// Runs `body(image, rows)` on bands of `bandRows` rows of each image, so that the rows of a single image are shared out too.
    @inline(__always)
    public func forEachBand(images: Int, rows: Int, bandRows: Int, _ body: (Int, Range<Int>) -> Void) {
        let bands = (rows + bandRows - 1) / bandRows
        forEach(images * bands) { task in
            let start = task % bands * bandRows
            body(task / bands, start..<min(start + bandRows, rows))
        }
    }

    /// Runs `body(block, rows)` on all blocks.
    @inline(__always)
    public func forEach(_ blocks: RowBlocks, _ body: RowFinisher) {
        forEach(blocks.count) { body($0, blocks[$0]) }
    }
}
