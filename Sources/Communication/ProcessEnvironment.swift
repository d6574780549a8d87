import Foundation

/// How this process was started.
public enum ProcessEnvironment {
    /// The ranks that mpirun (or srun with PMIx) started; otherwise this process alone, without MPI and its daemon.
    ///
    /// - Parameter timeoutSeconds: a collective that takes longer ends the job; 0 waits for ever.
    public static func makeCommunicator(timeoutSeconds: Double) throws -> Communicator {
        isRankOfAJob(ProcessInfo.processInfo.environment)
            ? try MPICommunicator(timeoutSeconds: timeoutSeconds) : SingleProcess()
    }

    static func isRankOfAJob(_ environment: [String: String]) -> Bool {
        environment["OMPI_COMM_WORLD_SIZE"] != nil || environment["PMIX_RANK"] != nil
    }
}
