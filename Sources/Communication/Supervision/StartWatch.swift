import Console
import Foundation

/// Ends this process if MPI does not start in time. Then no rank can tell the others anything yet, so each rank watches itself. A rank that
/// is alone does the same at the end of MPI.
///
/// `@unchecked Sendable` is safe: a lock protects the variable, and everything else is constant.
final class StartWatch: @unchecked Sendable {
    /// The environment variable with the limit in seconds; 0 waits without a limit.
    static let variable = "DRNET_START_TIMEOUT"
    static let defaultSeconds = 120.0
    /// Another rank of the host can report the same. It gets this time to end the job first.
    private static let turnSeconds = 2.0

    private let call: String
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
    ///   - call: the function of MPI that follows.
    ///   - limit: seconds in which this process could run; 0 for no limit.
    ///   - hostName: of this host.
    init(_ call: String, limit: Double, hostName: String) {
        (self.call, self.limit) = (call, limit)
        guard limit > 0 else { return }
        let environment = ProcessInfo.processInfo.environment
        let isFirst = environment["OMPI_COMM_WORLD_LOCAL_RANK"].map { $0 == "0" } ?? true
        let allowed = limit + (isFirst ? 0 : Self.turnSeconds)
        let interval = min(max(limit / 20, 0.05), 1)
        let thread = Thread {
            var clock = RunningClock()
            while !self.lock.withLock({ self.isOver }) {
                clock.look(at: DispatchTime.now().uptimeNanoseconds, longest: interval + 0.5)
                if clock.seconds > allowed { self.end(hostName) }
                Thread.sleep(forTimeInterval: interval)
            }
        }
        thread.name = "start watch"
        thread.start()
    }

    /// The call is over.
    func end() { lock.withLock { isOver = true } }

    private func end(_ hostName: String) -> Never {
        let rank = ProcessEnvironment.launchedRank.map { "rank \($0)" } ?? "this process"
        var causes = Self.stuckMates().map { "\($0) on this host is stopped" }
        if ProcessState.condition(of: getppid()) == .stopped { causes.append("its launcher, process \(getppid()), is stopped") }
        if causes.isEmpty { causes = ["another rank did not start, or the hosts or the launcher cannot be reached"] }
        let message =
            "\(rank) on \(hostName): \(call) has not finished after \(Int(limit)) s: \(causes.joined(separator: ", ")). The job ends; "
            + "\(Self.variable) sets the limit in seconds"
        Console.error(message)
        CrashRecord.write(.timeout, message)
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
