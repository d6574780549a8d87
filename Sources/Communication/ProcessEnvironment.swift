import COpenMPI
import Foundation

/// Detects how this process was started.
public enum ProcessEnvironment {
    /// Set to 1, this variable makes a process compute alone, whatever its launcher says.
    static let singleProcessVariable = "DRNET_SINGLE_PROCESS"

    /// Connects to the ranks that mpirun (or srun with PMIx) started. In any other process, returns a `SingleProcess`, which needs neither
    /// MPI nor its daemon.
    ///
    /// - Parameter timeoutSeconds: the job ends if a collective takes longer. 0 disables the timeout.
    /// - Throws: `CommunicationError.separateTasks` if a launcher started several tasks that do not form one MPI job. They would compute
    ///   the same and write the same files. Tasks other than the first throw `ReportedFailure`.
    public static func makeCommunicator(timeoutSeconds: Double) throws -> Communicator {
        let environment = ProcessInfo.processInfo.environment
        if try isSingleProcess(environment) { return SingleProcess() }
        guard isRankOfAJob(environment) else {
            if let tasks = LaunchedTasks.find(environment) { throw tasks.refusal }
            return SingleProcess()
        }
        let communicator = try MPICommunicator(timeoutSeconds: timeoutSeconds)
        // For example, mpirun and the library of this program belong to different installations.
        if communicator.rankCount == 1, let tasks = LaunchedTasks.ofMPILauncher(environment) {
            try communicator.finalize()
            throw tasks.refusal
        }
        return communicator
    }

    /// Whether this process is a rank of an MPI job.
    public static var isRankOfAJob: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isRankOfAJob(environment) && (try? isSingleProcess(environment)) != true
    }

    /// This process's number in its job, as the launcher says; nil without a launcher. Needs no MPI.
    public static var launchedRank: Int? {
        let environment = ProcessInfo.processInfo.environment
        return ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].lazy.compactMap { environment[$0].flatMap { Int($0) } }.first
    }

    /// - Parameter usesMPICH: whether the program was built with MPICH or a library derived from it. Each family knows its own launchers.
    static func isRankOfAJob(_ environment: [String: String], usesMPICH: Bool = drnet_mpi_is_mpich() != 0) -> Bool {
        if environment[usesMPICH ? "PMI_RANK" : "OMPI_COMM_WORLD_SIZE"] != nil { return true }
        // Open MPI's mpirun sets this variable, too. MPICH cannot join its jobs.
        return environment["PMIX_RANK"] != nil && environment["OMPI_COMM_WORLD_SIZE"] == nil
    }

    static func isSingleProcess(_ environment: [String: String]) throws -> Bool {
        switch environment[singleProcessVariable] ?? "" {
        case "1": return true
        case "", "0": return false
        case let value: throw CommunicationError.singleProcess(value: value)
        }
    }
}
