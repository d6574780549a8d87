import Synchronization

/// The tasks 0 ..< count of a loop, divided among threads. Each thread has a range of consecutive tasks and runs them in order. A thread
/// that runs out of tasks steals from the end of the other threads' ranges.
final class StealingRanges: @unchecked Sendable {
    private let threads: Int
    /// One range per thread, 128 bytes apart. No two ranges share a cache line or a pair of adjacent lines, which processors fetch
    /// together.
    private let ranges: UnsafeMutablePointer<Atomic<UInt64>>
    private static let spacing = 16

    init(threads: Int) {
        self.threads = threads
        ranges = .allocate(capacity: threads * Self.spacing)
        for index in 0..<threads * Self.spacing { (ranges + index).initialize(to: Atomic(0)) }
    }

    deinit {
        ranges.deinitialize(count: threads * Self.spacing)
        ranges.deallocate()
    }

    /// Sets the tasks. No thread may be in `forEach`. A thread that enters it later must have synchronised with this call (release and
    /// acquire).
    func divide(_ count: Int) {
        for thread in 0..<threads {
            let tasks = TaskRange(lower: UInt32(thread * count / threads), upper: UInt32((thread + 1) * count / threads))
            range(of: thread).pointee.store(tasks.bits, ordering: .relaxed)
        }
    }

    /// Calls `body` with tasks until none are left.
    func forEach(thread: Int, _ body: (Int) -> Void) {
        while let task = take(from: thread, isOwn: true) { body(task) }
        for offset in 1..<threads {
            let other = (thread + offset) % threads
            while let task = take(from: other, isOwn: false) { body(task) }
        }
    }

    @inline(__always)
    private func range(of thread: Int) -> UnsafeMutablePointer<Atomic<UInt64>> { ranges + thread * Self.spacing }

    private func take(from thread: Int, isOwn: Bool) -> Int? {
        let shared = range(of: thread)
        var bits = shared.pointee.load(ordering: .relaxed)
        while true {
            var range = TaskRange(bits: bits)
            guard let task = isOwn ? range.takeFirst() : range.takeLast() else { return nil }
            let attempt = shared.pointee.compareExchange(expected: bits, desired: range.bits, ordering: .relaxed)
            if attempt.exchanged { return task }
            bits = attempt.original
        }
    }
}

/// Consecutive tasks in one word, so that one atomic exchange changes both ends.
private struct TaskRange {
    var lower: UInt32
    var upper: UInt32

    init(lower: UInt32, upper: UInt32) { (self.lower, self.upper) = (lower, upper) }

    init(bits: UInt64) { (lower, upper) = (UInt32(truncatingIfNeeded: bits), UInt32(truncatingIfNeeded: bits >> 32)) }

    var bits: UInt64 { UInt64(upper) << 32 | UInt64(lower) }

    mutating func takeFirst() -> Int? {
        guard lower < upper else { return nil }
        defer { lower += 1 }
        return Int(lower)
    }

    mutating func takeLast() -> Int? {
        guard lower < upper else { return nil }
        upper -= 1
        return Int(upper)
    }
}
