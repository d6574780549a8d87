/// Runs the parallel loops of all kernels. A thread that runs out of tasks steals from the others, which balances uneven tasks. The
/// computation of a task depends neither on its thread nor on the number of threads, so results have the same bits at any thread count.
///
/// The worker threads end when the pool is deallocated.
public final class ThreadPool: Sendable {
    /// The number of threads that run tasks, including the calling thread.
    public let count: Int
    /// Nil with one thread. It is a separate object because the threads retain it and must not retain the pool.
    private let workers: WorkerThreads?

    /// Starts `threadCount` − 1 worker threads. `threadCount` is at least 1.
    public init(threadCount: Int) {
        precondition(threadCount >= 1, "a thread pool needs at least one thread, not \(threadCount)")
        count = threadCount
        workers = threadCount > 1 ? WorkerThreads(count: threadCount - 1) : nil
    }

    deinit { workers?.end() }

    /// Calls `body` for 0 ..< count and returns when all calls are done. Within a task, or while another thread runs a loop, the calling
    /// thread runs all tasks alone.
    @inline(__always)
    public func forEach(_ count: Int, _ body: (Int) -> Void) {
        if count > 1, let workers {
            workers.run(count: count, body)
        } else {
            for index in 0..<count { body(index) }
        }
    }

    /// Calls `body` with consecutive ranges that cover 0 ..< count. Each range but the last has the length `blockSize`.
    @inline(__always)
    public func forEachBlock(_ count: Int, blockSize: Int, _ body: (Range<Int>) -> Void) {
        let blockCount = (count + blockSize - 1) / blockSize
        forEach(blockCount) { block in
            let start = block * blockSize
            body(start..<min(start + blockSize, count))
        }
    }

    /// Calls `body(image, rows)` with bands of `bandRows` rows of each image. Several threads can therefore share the rows of a single
    /// image.
    @inline(__always)
    public func forEachBand(images: Int, rows: Int, bandRows: Int, _ body: (Int, Range<Int>) -> Void) {
        let bands = (rows + bandRows - 1) / bandRows
        forEach(images * bands) { task in
            let start = task % bands * bandRows
            body(task / bands, start..<min(start + bandRows, rows))
        }
    }

    /// Calls `body(block, rows)` for all blocks.
    @inline(__always)
    public func forEach(_ blocks: RowBlocks, _ body: RowFinisher) {
        forEach(blocks.count) { body($0, blocks[$0]) }
    }
}
