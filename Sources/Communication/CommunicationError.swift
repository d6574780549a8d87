/// Why ranks could not communicate.
public enum CommunicationError: Error, CustomStringConvertible {
    /// An MPI call failed.
    case failed(call: String, label: String, rank: Int, host: String, step: Int, reason: String)
    /// mpirun started this process, but MPI lets only one thread in.
    case missingThreadSupport(provided: Int)
    /// Another rank of an in-memory job ended early.
    case ranksGone(rank: Int, label: String)
    /// DRNET_THREADS is no number of threads.
    case threads(value: String)

    public var description: String {
        switch self {
        case .failed(let call, let label, let rank, let host, let step, let reason):
            return "rank \(rank) on \(host): \(call) failed at step \(step) (\(label)): \(reason)"
        case .missingThreadSupport(let provided):
            return "this MPI library was built without MPI_THREAD_SERIALIZED (it provides level \(provided)); use Debian's Open MPI"
        case .ranksGone(let rank, let label):
            return "rank \(rank): another rank ended before \(label)"
        case .threads(let value):
            return "DRNET_THREADS is '\(value)'; it takes a number of threads from 1 to 1024"
        }
    }
}
