#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// SIGTERM and SIGUSR1 ask a run to finish its step, write a checkpoint and exit (Slurm sends them before a job's time is up).
enum StopSignals {
    /// The signal that came last, 0 for none. A plain word that a signal handler may write.
    nonisolated(unsafe) private static var received: sig_atomic_t = 0

    /// From now on the signals no longer end the process.
    static func listen() {
        received = 0
        for number in [SIGTERM, SIGUSR1] { signal(number) { StopSignals.received = $0 } }
    }

    static var wasAsked: Bool { received != 0 }
}
