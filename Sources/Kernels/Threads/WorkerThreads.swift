import CProcessor
import Dispatch
import Foundation
import Synchronization

/// The worker threads of a `ThreadPool`. They run the tasks of parallel loops together with the calling thread.
///
/// Each thread starts with a range of consecutive tasks, the same share in every loop. Data that it wrote in one loop is in its core's
/// caches in the next one. A task prefetches data at its end that the thread's next task reads. A thread that runs out of tasks steals from
/// the others.
///
/// The loops of a network are microseconds apart. A worker therefore spins for a moment before it sleeps, so that it can join the next loop
/// at once. The caller waits only for workers that have joined. A worker that the system has not woken yet delays nobody.
final class WorkerThreads: @unchecked Sendable {
    /// The number of spin hints before a waiting thread gives up its core: 30 to 100 µs.
    private static let patience = 2000

    private let workers: [Worker]
    /// The number of loops so far. Workers wait for it to change.
    private let generation = Atomic<Int>(0)
    /// Bit 0: whether workers can join the loop. Higher bits: the number of workers in the loop.
    private let gate = Atomic<Int>(0)
    /// Whether a loop is running.
    private let isBusy = Atomic<Bool>(false)
    private let isEnding = Atomic<Bool>(false)

    // The current loop. The caller writes these before it opens the gate; workers read them after they pass the gate.
    private var body: UnsafePointer<(Int) -> Void>?
    private let tasks: StealingRanges

    /// - Parameter count: the number of threads in addition to the one that calls `run`.
    init(count: Int) {
        workers = (1...count).map(Worker.init)
        tasks = StealingRanges(threads: count + 1)
        for worker in workers {
            Thread.detachNewThread { self.serve(worker) }
        }
    }

    /// Ends the threads. No loop may be running, and none may follow.
    func end() {
        isEnding.store(true, ordering: .relaxed)
        generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
        wake(workers.count)
    }

    /// Calls `body` for 0 ..< count and returns when all calls are done. Within a task, or while another thread runs a loop, the calling
    /// thread runs all tasks alone.
    func run(count: Int, _ body: (Int) -> Void) {
        guard !isBusy.exchange(true, ordering: .acquiring) else {
            for index in 0..<count { body(index) }
            return
        }
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { pointer in
                self.body = pointer
                tasks.divide(count)
                gate.store(1, ordering: .releasing)
                generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
                wake(count - 1)
                tasks.forEach(thread: 0, pointer.pointee)
                gate.bitwiseAnd(~1, ordering: .acquiringAndReleasing)
                waitForWorkers()
            }
        }
        isBusy.store(false, ordering: .releasing)
    }

    /// Waits until the last worker has left the loop. A worker can lose its core in the middle of a task, so this thread yields its own
    /// core.
    private func waitForWorkers() {
        var hints = 0
        while gate.load(ordering: .acquiring) != 0 {
            drnet_spin_hint()
            hints += 1
            if hints > Self.patience { sched_yield() }
        }
    }

    // MARK: - Workers

    /// The state that puts a worker to sleep and wakes it.
    private final class Worker: Sendable {
        /// The worker's index in `StealingRanges`. The calling thread has index 0.
        let thread: Int
        let isAsleep = Atomic<Bool>(false)
        let alarm = DispatchSemaphore(value: 0)

        init(thread: Int) { self.thread = thread }
    }

    /// Wakes the sleeping ones among the first `count` workers.
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
                tasks.forEach(thread: worker.thread, body!.pointee)
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
                // If another thread has already cleared the flag, its signal follows.
                if !worker.isAsleep.exchange(false, ordering: .sequentiallyConsistent) { worker.alarm.wait() }
                return now
            }
            worker.alarm.wait()
        }
    }
}
