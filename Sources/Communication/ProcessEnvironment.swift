import Foundation

/// Detects how this process was started.
public enum ProcessEnvironment {
    /// Connects to the ranks that mpirun (or srun with PMIx) started. In any other process, returns a `SingleProcess`, which needs neither
    /// MPI nor its daemon.
    ///
    /// - Parameter timeoutSeconds: the job ends if a collective takes longer. 0 disables the timeout.
    public static func makeCommunicator(timeoutSeconds: Double) throws -> Communicator {
        isRankOfAJob(ProcessInfo.processInfo.environment)
            ? try MPICommunicator(timeoutSeconds: timeoutSeconds) : SingleProcess()
    }

    static func isRankOfAJob(_ environment: [String: String]) -> Bool {
        environment["OMPI_COMM_WORLD_SIZE"] != nil || environment["PMIX_RANK"] != nil
    }
}
