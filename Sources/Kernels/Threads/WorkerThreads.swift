import CProcessor
import Dispatch
import Foundation
import Synchronization

/// The threads of a `ThreadPool`: they run the tasks of parallel loops together with the thread that calls.
///
/// Each thread begins with a range of consecutive tasks, the same share of every loop. What it wrote in one loop is in its core's caches in
/// the next, and what a task prefetches at its end is what the thread's next task reads. A thread that runs out of tasks steals from the
/// others.
///
/// Between two loops of a network there are microseconds. A worker therefore spins for a moment before it sleeps, so that it can join the
/// next loop at once. The caller waits only for workers that have joined: one that the system has not woken yet delays nobody.
final class WorkerThreads: @unchecked Sendable {
    /// Spin hints before a waiting thread gives up its core: 30 to 100 µs.
    private static let patience = 2000

    private let workers: [Worker]
    /// Counts the loops; workers wait for it to change.
    private let generation = Atomic<Int>(0)
    /// Bit 0: workers can join the loop. The bits above count those that are in it.
    private let gate = Atomic<Int>(0)
    /// A loop is under way.
    private let isBusy = Atomic<Bool>(false)
    private let isEnding = Atomic<Bool>(false)

    // The loop. The caller writes it before it opens the gate; workers read it after they passed the gate.
    private var body: UnsafePointer<(Int) -> Void>?
    private let tasks: StealingRanges

    /// - Parameter workers: threads besides the one that calls `run`.
    init(count: Int) {
        workers = (1...count).map(Worker.init)
        tasks = StealingRanges(threads: count + 1)
        for worker in workers {
            Thread.detachNewThread { self.serve(worker) }
        }
    }

    /// Ends the threads. No loop may be under way, and none may follow.
    func end() {
        isEnding.store(true, ordering: .relaxed)
        generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
        wake(workers.count)
    }

    /// Runs `body` for 0 ..< count and returns when all are done. Within a task, or while another thread's loop is under way, the calling
    /// thread runs all of them alone.
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

    /// Waits until the last worker has left the loop. A worker that lost its core in the middle of a task needs one: this thread yields its
    /// own.
    private func waitForWorkers() {
        var hints = 0
        while gate.load(ordering: .acquiring) != 0 {
            drnet_spin_hint()
            hints += 1
            if hints > Self.patience { sched_yield() }
        }
    }

    // MARK: - Workers

    /// The state in which a worker sleeps and is woken.
    private final class Worker: Sendable {
        /// Its number in `StealingRanges`; the calling thread is 0.
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
                // If another thread has cleared the flag already, its signal is on the way.
                if !worker.isAsleep.exchange(false, ordering: .sequentiallyConsistent) { worker.alarm.wait() }
                return now
            }
            worker.alarm.wait()
        }
    }
}
