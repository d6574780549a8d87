import Foundation

/// Runs a program and waits for it, with a time limit: a test must not hang.
public enum ProcessRunner {
    public struct Result {
        /// The exit status; 128 + the signal's number where a signal ended it.
        public var status: Int32
        public var output: String
        public var errors: String
        public var timedOut: Bool

        /// Both streams, for messages.
        public var text: String { output + errors }
    }

    /// - Parameters:
    ///   - environment: added to this process's own.
    ///   - whileRunning: is called repeatedly; may send signals to the process.
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

    /// Starts ranks with Open MPI, on as few cores as there may be.
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

    /// The processes that a process has started; the ranks, of mpirun's.
    public static func children(of process: pid_t) -> [pid_t] {
        let text = try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
        return text?.split(separator: " ").compactMap { pid_t($0) } ?? []
    }

    /// Drains a pipe as it fills, so that the program never waits for the reader.
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

        /// What came, waiting for the rest for a moment (a grandchild may hold the pipe open).
        func finish() -> String {
            try? pipe.fileHandleForWriting.close()
            _ = done.wait(timeout: .now() + 5)
            return lock.withLock { String(decoding: data, as: UTF8.self) }
        }
    }
}
