/// A reason why ranks could not communicate.
public enum CommunicationError: Error, CustomStringConvertible {
    /// An MPI call failed.
    case failed(call: String, label: String, rank: Int, host: String, context: String, reason: String)
    /// mpirun started this process, but the MPI library supports less than MPI_THREAD_SERIALIZED.
    case missingThreadSupport(provided: Int)
    /// Another rank of an in-memory job ended early.
    case ranksGone(rank: Int, label: String)
    /// An exchange has more values than MPI's counts of 32 bits can express.
    case tooLarge(label: String, rank: Int, host: String, count: Int)
    /// DRNET_THREADS is not a valid number of threads.
    case threads(value: String)
    /// DRNET_START_TIMEOUT is not a valid number of seconds.
    case startTimeout(value: String)
    /// A launcher started several tasks that do not form one MPI job. The count is nil if it is not known.
    case separateTasks(launcher: String, count: Int?)
    /// DRNET_SINGLE_PROCESS is not a valid switch.
    case singleProcess(value: String)

    public var description: String {
        switch self {
        case .failed(let call, let label, let rank, let host, let context, let reason):
            return "\(Self.place(rank: rank, host: host, context: context)): \(call) (\(label)) failed: \(reason)"
        case .missingThreadSupport(let provided):
            return "this MPI library was built without MPI_THREAD_SERIALIZED (it provides level \(provided)); use Debian's Open MPI"
        case .ranksGone(let rank, let label):
            return "rank \(rank): another rank ended before \(label)"
        case .tooLarge(let label, let rank, let host, let count):
            return "\(Self.place(rank: rank, host: host, context: "")): \(label) has \(count) values, and MPI_Alltoallv takes at most "
                + "\(Int32.max); raise optimizer.accumulationSteps, or set communication.balance to none"
        case .threads(let value):
            return "DRNET_THREADS is '\(value)'; it takes a number of threads from 1 to 1024"
        case .startTimeout(let value):
            return "\(StartWatch.variable) is '\(value)'; it takes a number of seconds, and 0 for no limit"
        case .separateTasks(let launcher, let count):
            return "\(launcher) started \(count.map { "\($0)" } ?? "several") tasks, but they do not form one MPI job: each would compute "
                + "alone and write the same files. Start them with Open MPI's mpirun, with 'srun --mpi=pmix', or with launch/train or "
                + "launch/slurm.sbatch. If this process shall compute alone, set DRNET_SINGLE_PROCESS=1"
        case .singleProcess(let value):
            return "DRNET_SINGLE_PROCESS is '\(value)'; it takes 1: this process computes alone, whatever its launcher says"
        }
    }

    /// The beginning of a message, such as "rank 1 on node7, step 12".
    static func place(rank: Int, host: String, context: String) -> String {
        "rank \(rank) on \(host)" + (context.isEmpty ? "" : ", \(context)")
    }
}
