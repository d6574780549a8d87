import COpenMPI
import Foundation

/// Ends the whole job when a collective takes too long: a rank that is dead or stuck would otherwise keep all others waiting for ever.
final class Watchdog: @unchecked Sendable {
    /// Seconds that MPI_Abort gets before this process ends itself.
    private static let abortSeconds = 5.0

    private let rank: Int
    private let hostName: String
    private let timeoutSeconds: Double
    private let lock = NSLock()
    private var current: (call: String, label: String, since: UInt64)?
    private var currentStep = 0

    init(rank: Int, hostName: String, timeoutSeconds: Double) {
        self.rank = rank
        self.hostName = hostName
        self.timeoutSeconds = timeoutSeconds
        guard timeoutSeconds > 0 else { return }
        let thread = Thread { [weak self] in
            while let self { self.look() }
        }
        thread.name = "watchdog"
        thread.start()
    }

    var step: Int {
        get { lock.withLock { currentStep } }
        set { lock.withLock { currentStep = newValue } }
    }

    func begin(_ call: String, _ label: String) {
        let now = DispatchTime.now().uptimeNanoseconds
        lock.withLock { current = (call, label, now) }
    }

    func end() {
        lock.withLock { current = nil }
    }

    /// Sleeps for a fraction of the timeout, then looks at the collective under way.
    private func look() {
        Thread.sleep(forTimeInterval: min(max(timeoutSeconds / 20, 0.05), 5))
        let (collective, step) = lock.withLock { (current, currentStep) }
        guard let collective else { return }
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - collective.since) / 1e9
        guard seconds > timeoutSeconds else { return }
        FileHandle.standardError.write(Data(message(collective.call, collective.label, step: step, seconds).utf8))
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: Self.abortSeconds)
            _exit(1)
        }
        _ = drnet_mpi_abort(1)
        _exit(1)
    }

    private func message(_ call: String, _ label: String, step: Int, _ seconds: Double) -> String {
        "drnet: rank \(rank) on \(hostName): stuck for \(Int(seconds)) s in \(call) (\(label)) at step \(step): another rank is dead, stuck "
            + "or much slower. The job is ended; resume from the last checkpoint, or raise communication.timeoutSeconds\n"
    }
}
