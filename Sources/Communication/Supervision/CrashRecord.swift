import CCrashRecord
import Foundation

/// The record of how this process ended, if it does not end normally: one JSON line in a file of its own, in the run folder.
///
/// Errors, the watchdog and fatal signals write it. SIGKILL, and the loss of a machine, leave none.
public enum CrashRecord {
    /// Why the process ended. Signals are the third kind; C code writes it.
    enum Kind: String {
        case error, timeout
    }

    /// Says where the record of this process belongs, and installs handlers of fatal signals. Nothing is written before a crash. Call it
    /// from the main thread.
    ///
    /// - Parameters:
    ///   - folder: receives the file `rank-N.json`. It is created with the record; its parent must exist.
    ///   - communicator: of this rank.
    ///   - version: of the program.
    public static func prepare(folder: String, _ communicator: Communicator, version: String) {
        let head = [
            ("rank", "\(communicator.rank)"), ("host", quoted(communicator.hostName)), ("process", "\(getpid())"),
            ("version", quoted(version)),
        ]
        drnet_crash_prepare(folder, "\(folder)/rank-\(communicator.rank).json", members(head))
        setPlace(context: communicator.context, phase: communicator.phase)
    }

    /// Says where the process is. It is called once a step.
    static func setPlace(context: String, phase: RankPhase) {
        drnet_crash_position(members([("context", quoted(context)), ("phase", quoted(phase.rawValue))]))
    }

    /// Writes the record, unless there is one of this process already.
    static func write(_ kind: Kind, _ reason: String) {
        _ = drnet_crash_write(members([("kind", quoted(kind.rawValue)), ("reason", quoted(reason))]))
    }

    /// Members of a JSON object, without braces.
    private static func members(_ pairs: [(String, String)]) -> String { pairs.map { "\"\($0)\":\($1)" }.joined(separator: ",") }

    /// A text as JSON writes it.
    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
