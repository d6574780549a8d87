#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// SIGTERM and SIGUSR1 ask a run to write a checkpoint and exit (Slurm sends them before a job's time is up).
public enum StopSignals {
    /// The signal that came last, 0 for none. A plain word that a signal handler may write.
    nonisolated(unsafe) private static var received: sig_atomic_t = 0

    /// From now on the signals no longer end the process. To be called before anything slow: until then they do.
    public static func listen() {
        for number in [SIGTERM, SIGUSR1] { signal(number) { StopSignals.received = $0 } }
    }

    static var wasAsked: Bool { received != 0 }
}

/// Some rank was asked to stop. Thrown on every rank at the same place, where the state is one that a run can continue from.
struct StopRequest: Error {}
