import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// SIGTERM, SIGUSR1 and SIGHUP request that a run writes a checkpoint and exits. Slurm sends the first two before a job reaches its time
/// limit. The system sends SIGHUP when the terminal goes away.
public enum StopSignals {
    /// The last signal received; 0 for none. The handler writes it and training threads read it.
    ///
    /// A lock-free atomic is async-signal-safe: its store is a single instruction, without a lock or an allocation. `listen` makes the
    /// first access, so that the handler never runs the initialiser.
    private static let received = Atomic<Int32>(0)

    /// Installs the handlers. From then on, the signals do not end the process. Call it first, before anything that takes time.
    ///
    /// If SIGHUP is ignored already, it stays ignored: `nohup` and `disown` start programs so that they outlive their terminal.
    public static func listen() {
        forget()
        for number in [SIGTERM, SIGUSR1] { listen(to: number) }
        var hangUp = sigaction()
        sigaction(SIGHUP, nil, &hangUp)
        if !isIgnored(hangUp) { listen(to: SIGHUP) }
    }

    private static func listen(to number: Int32) {
        signal(number) { StopSignals.received.store($0, ordering: .relaxed) }
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        #if canImport(Glibc)
            let handler = action.__sigaction_handler.sa_handler
        #else
            let handler = action.__sigaction_u.__sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Whether this process received one of the signals.
    static var wasReceived: Bool { received.load(ordering: .relaxed) != 0 }

    /// Clears earlier signals.
    static func forget() { received.store(0, ordering: .relaxed) }
}

/// Some rank received a signal to stop. All ranks throw it at the same position, from which the run can be resumed.
struct StopRequest: Error {}
