import Console

/// The ranks of a job as a program runs them: the ranks that mpirun started, or this process alone.
public struct RankJob {
    public let communicator: Communicator
    /// The cores of each rank.
    public let cores: CoreMap

    public var isRoot: Bool { communicator.rank == 0 }
    /// Threads for this rank: its share of the cores.
    public var threadCount: Int { cores.threadCount(rank: communicator.rank) }

    /// Joins the job, runs `body`, and leaves the job. Collective.
    ///
    /// An error on one rank of several ends the whole job: the rank writes the error to standard error, with its number and host, and
    /// aborts all ranks. A single process throws the error.
    ///
    /// - Parameters:
    ///   - timeoutSeconds: a collective that takes longer ends the job; 0 waits without a limit.
    ///   - isExitStatus: whether an error is an exit status that all ranks throw together. The job then ends normally and the error is
    ///     thrown.
    public static func run(
        timeoutSeconds: Double, isExitStatus: (any Error) -> Bool = { _ in false }, _ body: (RankJob) throws -> Void
    ) throws {
        let communicator = try ProcessEnvironment.makeCommunicator(timeoutSeconds: timeoutSeconds)
        do {
            try body(RankJob(communicator: communicator, cores: try CoreMap.gather(communicator)))
            try communicator.finalize()
        } catch {
            if isExitStatus(error) {
                try communicator.finalize()
                throw error
            }
            guard communicator.rankCount > 1 else { throw error }
            Console.error("rank \(communicator.rank) on \(communicator.hostName): \(error)")
            communicator.abort(status: 1)
        }
    }
}
