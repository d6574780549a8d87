import Foundation

/// What the system says about processes of this host.
enum ProcessState {
    /// Whether a process runs, is stopped or has ended. Other systems than Linux know only whether it exists.
    static func condition(of process: Int32) -> RankCondition {
        #if os(Linux)
            guard let fields = fields(of: process) else { return kill(process, 0) != 0 && errno == ESRCH ? .dead : .alive }
            switch fields.first {
            // A debugger's "t" is not meant: it can hold one thread only.
            case "T": return .stopped
            case "Z", "X": return .dead
            default: return .alive
            }
        #else
            return kill(process, 0) != 0 && errno == ESRCH ? .dead : .alive
        #endif
    }

    /// When a process started, in units of the system since its start; nil if it is not known. It tells a process from a later one with the
    /// same number.
    static func start(of process: Int32) -> String? { fields(of: process).flatMap { $0.count > 19 ? $0[19] : nil } }

    /// The name of a process's program; nil if it is not known.
    static func name(of process: Int32) -> String? {
        (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The fields of /proc/PID/stat after the name, from the state on. The name can contain spaces and brackets.
    private static func fields(of process: Int32) -> [String]? {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8), let end = text.lastIndex(of: ")") else {
            return nil
        }
        return text[text.index(after: end)...].split(separator: " ").map(String.init)
    }

    /// Processor time of this process, in all threads.
    static var processorSeconds: Double {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Identifies what processes share that can see each other's numbers and reach each other without a network: the system's start, and
    /// the namespaces of a container.
    static var hostIdentity: String {
        let boot = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let spaces = ["net", "pid"].map { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\($0)")) ?? "" }
        return "\(boot ?? ProcessInfo.processInfo.hostName) \(spaces.joined(separator: " "))"
    }
}
