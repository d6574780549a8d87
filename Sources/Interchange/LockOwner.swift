import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The process that holds a `FolderLock`, as lock.json names it.
struct LockOwner: Codable, Equatable {
    var host: String
    var pid: Int32
    /// When the process started, in ticks since the host's boot. Together with `pid`, it identifies a process. Nil if unknown.
    var processStart: String?
    /// Identifies this boot of the host. Nil if unknown.
    var boot: String?
    /// Identifies the process namespace (the container), in which `pid` is valid. Nil if unknown.
    var namespace: String?
    /// Date and time, for a person.
    var started: String
    /// The job's number in the batch system; nil without one.
    var job: String?

    static func current() -> LockOwner {
        let environment = ProcessInfo.processInfo.environment
        return LockOwner(
            host: ProcessInfo.processInfo.hostName, pid: getpid(), processStart: startTime(of: getpid()), boot: bootIdentifier,
            namespace: processNamespace, started: ISO8601DateFormatter().string(from: Date()),
            job: environment["SLURM_JOB_ID"] ?? environment["PBS_JOBID"] ?? environment["LSB_JOBID"])
    }

    var description: String {
        "process \(pid) on \(host)\(job.map { " (job \($0))" } ?? ""), started \(started)"
    }

    /// Whether the process lives; nil if `observer`, a process on the same host, cannot tell.
    func lives(seenFrom observer: LockOwner) -> Bool? {
        // Another boot can be another machine with the same name.
        guard let boot, boot == observer.boot, let namespace, namespace == observer.namespace else { return nil }
        guard kill(pid, 0) == 0 || errno == EPERM else { return false }
        guard let status = Self.status(of: pid) else { return true }
        return status.state != "Z" && (processStart == nil || processStart == status.start)
    }

    private static func startTime(of pid: Int32) -> String? { status(of: pid)?.start }

    /// The state (Z: ended, but not waited for) and the start of a process, from /proc; nil if they are unknown.
    private static func status(of pid: Int32) -> (state: String, start: String)? {
        // The second field is the program's name in parentheses, which can contain spaces.
        guard let line = contents("/proc/\(pid)/stat"), let end = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? (String(fields[0]), String(fields[19])) : nil
    }

    private static var bootIdentifier: String? {
        contents("/proc/sys/kernel/random/boot_id")?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static var processNamespace: String? {
        var text = [CChar](repeating: 0, count: 256)
        let count = readlink("/proc/self/ns/pid", &text, text.count - 1)
        return count > 0 ? String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    private static func contents(_ path: String) -> String? {
        (try? DurableFile.read(path)).map { String(decoding: $0, as: UTF8.self) }
    }
}
