import Synchronization
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// SIGTERM and SIGUSR1 ask a run to write a checkpoint and exit. Slurm sends them before a job's time limit.
public enum StopSignals {
    /// The last signal received; 0 for none. The handler writes it and training threads read it.
    ///
    /// A lock-free atomic is async-signal-safe: its store is a single instruction, without a lock or an allocation. `listen` makes the
    /// first access, so that the handler never runs the initialiser.
    private static let received = Atomic<Int32>(0)

    /// From now on the two signals no longer end the process. Call this before anything slow.
    public static func listen() {
        forget()
        for number in [SIGTERM, SIGUSR1] { signal(number) { StopSignals.received.store($0, ordering: .relaxed) } }
    }

    static var wasAsked: Bool { received.load(ordering: .relaxed) != 0 }

    /// Forgets earlier signals.
    static func forget() { received.store(0, ordering: .relaxed) }
}

/// Some rank was asked to stop. All ranks throw it at the same place, where the run can continue from the state.
struct StopRequest: Error {}
