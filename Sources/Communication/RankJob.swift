import Console
import Foundation

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
    /// A single process throws its errors. With several ranks, rank 0 reports a `SharedFailure`, and all ranks leave the job and throw
    /// `ReportedFailure`. Any other error of one rank ends the whole job: the rank reports the error with its number and host, and aborts
    /// all ranks.
    ///
    /// - Parameters:
    ///   - timeoutSeconds: the job ends if a rank that others wait for makes no progress for longer; 0 waits without a limit. `body` can
    ///     change it.
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
            guard communicator.rankCount > 1 else {
                if !(error is any SharedFailure) { CrashRecord.write(.error, ErrorText.describe(error)) }
                throw error
            }
            if error is any SharedFailure { try leave(communicator, lines(error)) }
            abort(communicator, error)
        }
    }

    /// Takes the place of `run` on a rank whose command line is wrong. The failure is agreed on with the other ranks, which either call
    /// this method, too, or are at the beginning of `run`. Returns if the process is no rank of a job of several.
    ///
    /// - Parameters:
    ///   - problem: with the command line.
    ///   - usage: follows the report.
    /// - Throws: `ReportedFailure` on all ranks.
    public static func refuse(commandLine problem: String, usage: String) throws {
        guard ProcessEnvironment.isRankOfAJob else { return }
        let communicator = try ProcessEnvironment.makeCommunicator(timeoutSeconds: startSeconds)
        do {
            try CoreMap.agreeOnStart(communicator) { throw CommandLineProblem(description: problem) }
        } catch let failure as AgreedFailure {
            try leave(communicator, [(failure.lines + [usage]).joined(separator: "\n")])
        } catch {
            try communicator.finalize()
        }
    }

    /// The longest time without progress before the program sets its own: that of MPI_Init.
    ///
    /// A value of DRNET_START_TIMEOUT that is no number is an error of the communicator's initialiser.
    public static var startSeconds: Double {
        (try? StartWatch.limit(ProcessInfo.processInfo.environment)) ?? StartWatch.defaultSeconds
    }

    private struct CommandLineProblem: Error, CustomStringConvertible {
        var description: String
    }

    /// Reports a failure that all ranks share on rank 0, and leaves the job.
    private static func leave(_ communicator: Communicator, _ messages: [String]) throws -> Never {
        if communicator.rank == 0 { messages.forEach(Console.error) }
        // mpirun ends all ranks as soon as one of them exits with an error, so rank 0 writes before any rank leaves.
        try communicator.barrier(label: "report of a failure")
        try communicator.finalize()
        throw ReportedFailure()
    }

    /// Reports the error of this rank, and ends all ranks.
    private static func abort(_ communicator: Communicator, _ error: any Error) -> Never {
        // Errors of MPI calls begin with the place already.
        let place = CommunicationError.place(rank: communicator.rank, host: communicator.hostName, context: "")
        let prefix = error is CommunicationError ? "" : place + ": "
        for line in lines(error) { Console.error(prefix + line) }
        CrashRecord.write(.error, ErrorText.describe(error))
        communicator.abort(status: 1)
    }

    /// The problems of an error, one line each.
    private static func lines(_ error: any Error) -> [String] {
        ErrorText.describe(error).split(separator: "\n").map(String.init)
    }
}
