import CProcessor
import Dispatch
import Foundation
import Synchronization

/// Threads that share the tasks of one parallel loop after another with the thread that calls.
///
/// Each thread begins with tasks of its own that follow on one another, the same share of every loop: what it wrote in one loop is in its core's
/// caches in the next, and what a task asks the caches for at its end is what the thread's next one reads. Who has none left takes others'.
///
/// Between two loops of a network there are microseconds. A worker therefore spins for a moment before it sleeps, so that the next loop has it at
/// once, and the caller waits only for workers that have begun: one that the system has not woken yet delays nobody.
final class WorkerPool: @unchecked Sendable {
    /// Hints to the processor before a thread that waits gives up its core: 30 to 100 µs.
    private static let patience = 2000

    private let workers: [Worker]
    /// Counts the loops; workers wait for it to change.
    private let generation = Atomic<Int>(0)
    /// Bit 0: the loop takes workers; above it, how many are in it.
    private let gate = Atomic<Int>(0)
    /// A loop is under way.
    private let isBusy = Atomic<Bool>(false)
    private let isEnding = Atomic<Bool>(false)

    // The loop. Written before the gate opens, read behind it.
    private var body: UnsafePointer<(Int) -> Void>?
    private let shares: TaskShares

    /// - Parameter workers: threads besides the one that calls `run`.
    init(workers count: Int) {
        workers = (1...count).map(Worker.init)
        shares = TaskShares(threads: count + 1)
        for worker in workers {
            Thread.detachNewThread { self.serve(worker) }
        }
    }

    /// Lets the threads go. There must be no loop under way, nor come another one.
    func end() {
        isEnding.store(true, ordering: .relaxed)
        generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
        wake(workers.count)
    }

    /// Runs `body` for 0 ..< count and returns when all are done. Within a task, or while another thread's loop is under way, the calling thread
    /// does all of it alone.
    func run(count: Int, _ body: (Int) -> Void) {
        guard !isBusy.exchange(true, ordering: .acquiring) else {
            for index in 0..<count { body(index) }
            return
        }
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { pointer in
                self.body = pointer
                shares.divide(count)
                gate.store(1, ordering: .releasing)
                generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
                wake(count - 1)
                shares.forEach(thread: 0, pointer.pointee)
                gate.bitwiseAnd(~1, ordering: .acquiringAndReleasing)
                waitForWorkers()
            }
        }
        isBusy.store(false, ordering: .releasing)
    }

    /// Until the last one has left. One that lost its core in the middle of a task needs one: this thread offers its own.
    private func waitForWorkers() {
        var hints = 0
        while gate.load(ordering: .acquiring) != 0 {
            drnet_spin_hint()
            hints += 1
            if hints > Self.patience { sched_yield() }
        }
    }

    // MARK: - Workers

    /// Where a worker sleeps.
    private final class Worker: Sendable {
        /// The thread that calls is 0.
        let thread: Int
        let isAsleep = Atomic<Bool>(false)
        let alarm = DispatchSemaphore(value: 0)

        init(thread: Int) { self.thread = thread }
    }

    /// Wakes those of the first `count` workers that sleep.
    private func wake(_ count: Int) {
        for worker in workers.prefix(count) where worker.isAsleep.exchange(false, ordering: .sequentiallyConsistent) {
            worker.alarm.signal()
        }
    }

    private func serve(_ worker: Worker) {
        var seen = 0
        while true {
            seen = awaitGeneration(after: seen, worker)
            if isEnding.load(ordering: .relaxed) { return }
            if enter() {
                shares.forEach(thread: worker.thread, body!.pointee)
                gate.wrappingSubtract(2, ordering: .releasing)
            }
        }
    }

    private func enter() -> Bool {
        var value = gate.load(ordering: .relaxed)
        while value & 1 == 1 {
            let attempt = gate.compareExchange(expected: value, desired: value + 2, ordering: .acquiring)
            if attempt.exchanged { return true }
            value = attempt.original
        }
        return false
    }

    private func awaitGeneration(after seen: Int, _ worker: Worker) -> Int {
        for _ in 0..<Self.patience {
            let now = generation.load(ordering: .acquiring)
            if now != seen { return now }
            drnet_spin_hint()
        }
        while true {
            worker.isAsleep.store(true, ordering: .sequentiallyConsistent)
            let now = generation.load(ordering: .sequentiallyConsistent)
            if now != seen {
                // Whoever sets the flag back decides whether a signal is on its way.
                if !worker.isAsleep.exchange(false, ordering: .sequentiallyConsistent) { worker.alarm.wait() }
                return now
            }
            worker.alarm.wait()
        }
    }
}
