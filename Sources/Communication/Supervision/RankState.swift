/// Where a rank is. Each rank sends its own to the others.
struct RankState: Codable, Equatable, Sendable {
    var phase = RankPhase.starting
    /// The communicator's `context`, such as "step 12".
    var context = ""
    /// The number of collectives that the rank has entered. All ranks have the same sequence of collectives, so the numbers compare.
    var collectives = 0
    /// The collective that the rank is in, such as "MPI_Barrier (the meeting)"; nil outside of one.
    var collective: String?
    /// Grows with every sign of progress: a collective that begins or ends, another phase, a batch, a file of a checkpoint.
    var progress = 0
    /// Processor time of the process, in all threads.
    var processorSeconds = 0.0

    /// Where the rank is, for messages, such as "computing in step 12".
    var place: String {
        (collective.map { "in \($0)" } ?? phase.activity) + (context.isEmpty ? "" : collective == nil ? " in \(context)" : " of \(context)")
    }
}

/// What is known about the process of a rank.
enum RankCondition: String, Codable, Sendable {
    case alive
    /// A signal such as SIGSTOP suspended the process.
    case stopped
    /// The process has ended.
    case dead
    /// The network says that its host cannot be reached.
    case unreachable
    /// Its heartbeats have ceased, and nothing else is known.
    case silent
    /// No heartbeat has arrived from it at all.
    case unheard
}

/// A message of the side channel.
struct Heartbeat: Codable, Equatable, Sendable {
    /// Identifies the job, so that messages of other jobs are ignored.
    var job: UInt64
    var rank: Int
    var state: RankState
    /// Ranks on the sender's host whose processes are stopped or dead.
    var mates: [Int: RankCondition] = [:]
    /// The ranks that the sender has waited for too long, when it ends the job; empty if all ranks are in one collective that does not
    /// end.
    var verdict: [Int]?
    /// Whether some rank has reported the verdict.
    var isReported = false
}
