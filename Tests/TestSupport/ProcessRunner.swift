import Foundation

/// Runs a program and waits for it, with a time limit, so that a test never hangs.
public enum ProcessRunner {
    /// The result of a run.
    public struct Result {
        /// The exit status, or 128 + the signal number if a signal ended the program.
        public var status: Int32
        /// The text of the standard output.
        public var output: String
        /// The text of the standard error.
        public var errors: String
        /// Whether the time limit was reached.
        public var timedOut: Bool

        /// Both texts, for messages.
        public var text: String { output + errors }
    }

    /// Runs a program.
    ///
    /// - Parameters:
    ///   - environment: variables in addition to this process's environment.
    ///   - whileRunning: called repeatedly while the program runs; can send signals to the process.
    public static func run(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], folder: String? = nil,
        timeout: TimeInterval = 120, whileRunning: (Process) -> Void = { _ in }
    ) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        let (output, errors) = (Collector(), Collector())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output.pipe
        process.standardError = errors.pipe
        try process.run()
        let end = Date().addingTimeInterval(timeout)
        while process.isRunning && Date() < end {
            whileRunning(process)
            Thread.sleep(forTimeInterval: 0.02)
        }
        let timedOut = process.isRunning
        if timedOut { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        let bySignal = process.terminationReason == .uncaughtSignal
        return Result(
            status: process.terminationStatus + (bySignal ? 128 : 0), output: output.finish(), errors: errors.finish(),
            timedOut: timedOut)
    }

    /// Starts ranks with Open MPI. The ranks can share cores.
    public static func mpirun(
        ranks: Int, _ executable: String, _ arguments: [String], environment: [String: String] = [:],
        timeout: TimeInterval = 120, whileRunning: (Process) -> Void = { _ in }
    ) throws -> Result {
        var options = ["--oversubscribe", "--bind-to", "none", "-n", "\(ranks)"]
        if getuid() == 0 { options.append("--allow-run-as-root") }
        var variables = ["OPENBLAS_NUM_THREADS": "1", "DRNET_THREADS": "1"]
        variables.merge(environment) { $1 }
        return try run(
            "/usr/bin/env", ["mpirun"] + options + [executable] + arguments, environment: variables, timeout: timeout,
            whileRunning: whileRunning)
    }

    /// Returns the child processes of a process. For mpirun, these are the ranks.
    public static func children(of process: pid_t) -> [pid_t] {
        let text = try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
        return text?.split(separator: " ").compactMap { pid_t($0) } ?? []
    }

    /// Seconds since a process started, by the time of its folder in /proc.
    public static func age(of process: Process) -> TimeInterval {
        let attributes = try? FileManager.default.attributesOfItem(atPath: "/proc/\(process.processIdentifier)")
        return (attributes?[.modificationDate] as? Date).map { -$0.timeIntervalSinceNow } ?? 0
    }

    /// Drains a pipe while the program runs, so that the program never waits for the reader.
    private final class Collector: @unchecked Sendable {
        let pipe = Pipe()
        private let lock = NSLock()
        private var data = Data()
        private let done = DispatchSemaphore(value: 0)

        init() {
            let thread = Thread { [self] in
                while true {
                    let chunk = pipe.fileHandleForReading.availableData
                    if chunk.isEmpty { break }
                    lock.withLock { data.append(chunk) }
                }
                done.signal()
            }
            thread.start()
        }

        /// Returns the collected text. Waits a moment for the rest, as a grandchild can hold the pipe open.
        func finish() -> String {
            try? pipe.fileHandleForWriting.close()
            _ = done.wait(timeout: .now() + 5)
            return lock.withLock { String(decoding: data, as: UTF8.self) }
        }
    }
}
