import Console
import Foundation

/// Ends the whole job when a collective takes too long. Without it, all ranks would wait forever for a rank that is dead or stuck.
///
/// `@unchecked Sendable` is safe: a lock protects the variables, and everything else is constant.
final class Watchdog: @unchecked Sendable {
    private let rank: Int
    private let hostName: String
    /// Ends the job with exit status 1. Runs on the watchdog's thread while another thread is inside an MPI call.
    private let endJob: @Sendable () -> Never
    private let lock = NSLock()
    private var current: (call: String, label: String, since: UInt64)?
    private var currentContext = ""
    private var timeout = 0.0
    private var isRunning = false

    init(rank: Int, hostName: String, timeoutSeconds: Double, endJob: @escaping @Sendable () -> Never) {
        self.rank = rank
        self.hostName = hostName
        self.endJob = endJob
        self.timeoutSeconds = timeoutSeconds
    }

    /// A collective that takes longer ends the job; 0 disables the watchdog.
    var timeoutSeconds: Double {
        get { lock.withLock { timeout } }
        set {
            let mustStart = lock.withLock {
                timeout = newValue
                defer { isRunning = isRunning || newValue > 0 }
                return newValue > 0 && !isRunning
            }
            if mustStart { start() }
        }
    }

    private func start() {
        let thread = Thread { [weak self] in
            while let self { self.look() }
        }
        thread.name = "watchdog"
        thread.start()
    }

    /// The communicator's `context`.
    var context: String {
        get { lock.withLock { currentContext } }
        set { lock.withLock { currentContext = newValue } }
    }

    func begin(_ call: String, _ label: String) {
        let now = DispatchTime.now().uptimeNanoseconds
        lock.withLock { current = (call, label, now) }
    }

    func end() {
        lock.withLock { current = nil }
    }

    /// Sleeps for a fraction of the timeout, then checks how long the current collective has taken.
    private func look() {
        let interval = timeoutSeconds
        Thread.sleep(forTimeInterval: interval > 0 ? min(max(interval / 20, 0.05), 1) : 1)
        let (collective, context, timeoutSeconds) = lock.withLock { (current, currentContext, timeout) }
        guard let collective, timeoutSeconds > 0 else { return }
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - collective.since) / 1e9
        guard seconds > timeoutSeconds else { return }
        let place = CommunicationError.place(rank: rank, host: hostName, context: context)
        let message =
            "\(place): \(collective.call) (\(collective.label)) has not finished after \(Int(seconds)) s: another rank is dead, "
            + "stuck or much slower. The job ends; resume from the last checkpoint, or raise communication.timeoutSeconds"
        Console.error(message)
        endJob()
    }
}
