import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// SIGTERM and SIGUSR1 request that a run writes a checkpoint and exits. Slurm sends them before a job reaches its time limit.
public enum StopSignals {
    /// The last signal received; 0 for none. The handler writes it and training threads read it.
    ///
    /// A lock-free atomic is async-signal-safe: its store is a single instruction, without a lock or an allocation. `listen` makes the
    /// first access, so that the handler never runs the initialiser.
    private static let received = Atomic<Int32>(0)

    /// Installs the handlers. From then on, the two signals do not end the process. Call it first, before anything that takes time.
    public static func listen() {
        forget()
        for number in [SIGTERM, SIGUSR1] { signal(number) { StopSignals.received.store($0, ordering: .relaxed) } }
    }

    /// Whether this process received one of the signals.
    static var wasReceived: Bool { received.load(ordering: .relaxed) != 0 }

    /// Clears earlier signals.
    static func forget() { received.store(0, ordering: .relaxed) }
}

/// Some rank received a signal to stop. All ranks throw it at the same position, from which the run can be resumed.
struct StopRequest: Error {}
