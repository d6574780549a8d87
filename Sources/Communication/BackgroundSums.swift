import COpenMPI
import Foundation

/// Sums vectors over the ranks on a thread of its own, while the caller computes.
///
/// An MPI library moves messages only while some thread calls it. This thread does: it tests the messages of the sums, and sleeps between
/// tests, so that the caller's threads keep the processor. Several sums are under way at the same time: while one adds, others transfer.
/// The messages have a communicator of their own, so they do not depend on the order of the caller's collectives. MPI must support
/// MPI_THREAD_MULTIPLE.
///
/// `@unchecked Sendable` is safe: the condition protects the variables that both threads use; the others belong to the thread.
final class BackgroundSums: @unchecked Sendable {
    /// An MPI call that failed.
    struct Failure: Error {
        var call: String
        var code: Int32
    }

    private let rank: Int
    private let hosts: [Int]
    private let usesHosts: Bool
    private let format: TransferFormat
    private let communicator: UnsafeMutableRawPointer
    private let condition = NSCondition()
    /// Sums that have begun and that the thread has not started.
    private var waiting: [UnsafeMutableBufferPointer<Float>] = []
    /// Sums that have begun and are not complete.
    private var incomplete = 0
    private var isAwaited = false
    private var isEnding = false
    private var hasEnded = false
    private var failure: Failure?
    /// The number of sums so far, which gives each its tag.
    private var started = 0

    /// Sums that are under way at the same time.
    private static let concurrentSums = 4
    /// Between two tests of messages, while the caller computes. A link of 1 Gbit/s moves 25 kB in this time.
    private static let pauseMicroseconds: UInt32 = 200
    /// Tags that every MPI library has.
    private static let tagCount = 32_767

    /// Duplicates MPI_COMM_WORLD and starts the thread. Collective.
    ///
    /// - Parameters:
    ///   - rank: of this process.
    ///   - hosts: see `SumSchedule`.
    ///   - usesHosts: see `SumSchedule`.
    ///   - format: see `SumSchedule`.
    /// - Throws: `Failure`
    init(rank: Int, hosts: [Int], usesHosts: Bool, format: TransferFormat) throws {
        self.rank = rank
        self.hosts = hosts
        self.usesHosts = usesHosts
        self.format = format
        communicator = .allocate(byteCount: Int(drnet_mpi_communicator_bytes()), alignment: 16)
        let code = drnet_mpi_copy_communicator(communicator)
        guard code == 0 else { throw Failure(call: "MPI_Comm_dup", code: code) }
        let thread = Thread { [self] in run() }
        thread.name = "sums over ranks"
        thread.start()
    }

    deinit { communicator.deallocate() }

    /// Begins a sum. All ranks begin the same sums in the same order. The memory belongs to the thread until `finish` returns.
    func begin(_ values: UnsafeMutableBufferPointer<Float>) {
        guard !values.isEmpty else { return }
        condition.lock()
        waiting.append(values)
        incomplete += 1
        condition.broadcast()
        condition.unlock()
    }

    /// Waits until all sums are complete.
    ///
    /// - Returns: the failed MPI call; nil if all calls succeeded.
    func finish() -> Failure? {
        condition.lock()
        defer { condition.unlock() }
        isAwaited = true
        while incomplete > 0 && failure == nil { condition.wait() }
        isAwaited = false
        return failure
    }

    /// Ends the thread and frees the communicator, after all sums are complete. Collective.
    func end() -> Int32 {
        condition.lock()
        isEnding = true
        condition.broadcast()
        while !hasEnded { condition.wait() }
        condition.unlock()
        return drnet_mpi_free_communicator(communicator)
    }

    // MARK: - The thread

    private func run() {
        var active: [RunningSum] = []
        while let isHurried = takeWork(&active) {
            var hasMoved = false
            for sum in active {
                switch sum.advance(communicator) {
                case .waits: break
                case .moved: hasMoved = true
                case .failed(let failure): return leave(failure)
                }
            }
            let complete = active.filter(\.isComplete).count
            if complete > 0 {
                active.removeAll(where: \.isComplete)
                condition.lock()
                incomplete -= complete
                condition.broadcast()
                condition.unlock()
            }
            if hasMoved { continue }
            if isHurried { sched_yield() } else { usleep(Self.pauseMicroseconds) }
        }
        leave(nil)
    }

    /// Waits for work, and starts sums that have begun.
    ///
    /// - Returns: whether the caller waits for the sums; nil at the end.
    private func takeWork(_ active: inout [RunningSum]) -> Bool? {
        condition.lock()
        defer { condition.unlock() }
        while waiting.isEmpty && active.isEmpty && !isEnding { condition.wait() }
        while active.count < Self.concurrentSums, !waiting.isEmpty {
            let values = waiting.removeFirst()
            let schedule = SumSchedule(count: values.count, rank: rank, hosts: hosts, usesHosts: usesHosts, format: format)
            active.append(RunningSum(values, schedule, tag: Int32(started % Self.tagCount)))
            started += 1
        }
        return active.isEmpty ? nil : isAwaited
    }

    private func leave(_ failure: Failure?) {
        condition.lock()
        self.failure = failure
        hasEnded = true
        condition.broadcast()
        condition.unlock()
    }
}
