import Console
import Foundation

/// Knows where this rank is, tells the other ranks, and ends the whole job if a rank that others wait for makes no progress. Without it,
/// all ranks would wait forever for a rank that is dead or stuck.
///
/// The thread that computes sets the state. A thread of the watchdog sends it, and looks at the states of the others.
///
/// `@unchecked Sendable` is safe: a lock protects the variables, and everything else is constant.
final class Watchdog: @unchecked Sendable {
    let rank: Int
    let rankCount: Int
    let hostName: String
    /// Ends the job. Runs on the watchdog's thread while another thread is inside an MPI call.
    let endJob: @Sendable () -> Never
    private let lock = NSLock()
    private var own = RankState()
    private var current = WatchdogLimits()
    /// Replaces the limit of a call, such as MPI_Finalize.
    private var callLimit: Double?
    private var isRunning = false
    private var isEnded = false

    init(rank: Int, rankCount: Int, hostName: String, timeoutSeconds: Double, endJob: @escaping @Sendable () -> Never) {
        self.rank = rank
        self.rankCount = rankCount
        self.hostName = hostName
        self.endJob = endJob
        current.seconds = timeoutSeconds
    }

    /// Starts the thread. A process alone needs none.
    ///
    /// - Parameters:
    ///   - channel: to the other ranks; nil if there is none. The limits then count the time of a collective.
    ///   - hosts: the names of the hosts, by rank.
    func start(_ channel: SideChannel?, hosts: [String]) {
        let mustStart = lock.withLock {
            defer { isRunning = true }
            return !isRunning && !isEnded
        }
        guard mustStart, rankCount > 1 else { return }
        // The caller does not use the channel any more.
        nonisolated(unsafe) let channel = channel
        let thread = Thread {
            let supervisor = RankSupervisor(self, channel, hosts: hosts)
            while !self.hasEnded { supervisor.look() }
            supervisor.close()
        }
        thread.name = "watchdog"
        thread.start()
    }

    /// Ends the thread.
    func stop() { lock.withLock { isEnded = true } }

    private var hasEnded: Bool { lock.withLock { isEnded } }

    /// The state of this rank.
    var state: RankState { lock.withLock { own } }

    /// The limits that hold now.
    var limits: WatchdogLimits {
        lock.withLock {
            guard let callLimit else { return current }
            return WatchdogLimits(seconds: callLimit, savingSeconds: current.savingSeconds)
        }
    }

    /// Seconds without progress of a rank that others wait for; 0 disables the watchdog.
    var timeoutSeconds: Double {
        get { lock.withLock { current.seconds } }
        set { lock.withLock { current.seconds = newValue } }
    }

    /// The same for a rank that saves a checkpoint.
    var saveTimeoutSeconds: Double {
        get { lock.withLock { current.savingSeconds } }
        set { lock.withLock { current.savingSeconds = newValue } }
    }

    /// The communicator's `context`.
    var context: String {
        get { lock.withLock { own.context } }
        set { change { $0.context = newValue } }
    }

    /// The communicator's `phase`.
    var phase: RankPhase {
        get { lock.withLock { own.phase } }
        set { change { $0.phase = newValue } }
    }

    /// Records a sign of progress.
    func reportProgress() { change { _ in } }

    /// Records that this rank enters a call in which it waits for others.
    ///
    /// - Parameters:
    ///   - call: the name of the MPI function.
    ///   - label: what it transfers.
    ///   - limit: seconds; nil for the limit of all calls.
    func begin(_ call: String, _ label: String, limit: Double? = nil) {
        change {
            $0.collectives += 1
            $0.collective = "\(call) (\(label))"
        }
        if let limit { lock.withLock { callLimit = limit } }
    }

    /// Records that the call is over.
    func end() {
        change { $0.collective = nil }
        lock.withLock { callLimit = nil }
    }

    private func change(_ body: (inout RankState) -> Void) {
        lock.withLock {
            body(&own)
            own.progress += 1
        }
    }
}
