import Console
import Foundation

/// Ends this process if MPI does not start in time. Then no rank can tell the others anything yet, so each rank watches itself.
///
/// `@unchecked Sendable` is safe: a lock protects the variable, and everything else is constant.
final class StartWatch: @unchecked Sendable {
    /// The environment variable with the limit in seconds; 0 waits without a limit.
    static let variable = "DRNET_START_TIMEOUT"
    static let defaultSeconds = 120.0
    /// Another rank of the host can report the same. It gets this time to end the job first.
    private static let turnSeconds = 2.0

    private let limit: Double
    private let lock = NSLock()
    private var isOver = false

    /// The limit that the environment sets.
    ///
    /// - Throws: `CommunicationError.startTimeout` if it is not a number of seconds.
    static func limit(_ environment: [String: String]) throws -> Double {
        guard let value = environment[variable], !value.isEmpty else { return defaultSeconds }
        guard let seconds = Double(value), seconds >= 0, seconds <= 1e6 else { throw CommunicationError.startTimeout(value: value) }
        return seconds
    }

    /// Begins to watch.
    ///
    /// - Parameters:
    ///   - limit: seconds in which this process could run; 0 for no limit.
    ///   - hostName: of this host.
    init(limit: Double, hostName: String) {
        self.limit = limit
        guard limit > 0 else { return }
        let environment = ProcessInfo.processInfo.environment
        let isFirst = environment["OMPI_COMM_WORLD_LOCAL_RANK"].map { $0 == "0" } ?? true
        let allowed = limit + (isFirst ? 0 : Self.turnSeconds)
        let interval = min(max(limit / 20, 0.05), 1)
        let thread = Thread {
            var clock = RunningClock()
            while !self.lock.withLock({ self.isOver }) {
                clock.look(at: DispatchTime.now().uptimeNanoseconds, longest: interval + 0.5)
                if clock.seconds > allowed { Self.end(limit, hostName) }
                Thread.sleep(forTimeInterval: interval)
            }
        }
        thread.name = "start watch"
        thread.start()
    }

    /// MPI has started.
    func end() { lock.withLock { isOver = true } }

    private static func end(_ limit: Double, _ hostName: String) -> Never {
        let rank = ProcessEnvironment.launchedRank.map { "rank \($0)" } ?? "this process"
        let causes = stuckMates().map { "\($0) on this host is stopped" }
        let cause = causes.isEmpty ? "another rank did not start, or the hosts cannot reach each other" : causes.joined(separator: ", ")
        Console.error(
            "\(rank) on \(hostName): MPI_Init_thread has not finished after \(Int(limit)) s: \(cause). The job ends; \(variable) sets the "
                + "limit in seconds")
        JobEnd.now(allowsMPICalls: false)
    }

    /// The other ranks that this process's launcher started here, and that are stopped.
    private static func stuckMates() -> [String] {
        let parent = getppid()
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(parent)/task")) ?? []
        let children = threads.flatMap { thread in
            ((try? String(contentsOfFile: "/proc/\(parent)/task/\(thread)/children", encoding: .utf8)) ?? "").split(separator: " ")
                .compactMap { Int32($0) }
        }
        return children.filter { $0 != getpid() && ProcessState.condition(of: $0) == .stopped }.sorted().map { process in
            let variables = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/environ"))) ?? Data()
            let rank = variables.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                .first { $0.hasPrefix("OMPI_COMM_WORLD_RANK=") }
            return rank.map { "rank \($0.split(separator: "=").last ?? "?")" } ?? "process \(process)"
        }
    }
}
