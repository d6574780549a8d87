import Communication
import Console
import Interchange

/// The parts of a command's output. Each part is tried, even if another one failed; the failures are reported together at the end.
struct Attempts {
    private var problems: [String] = []

    /// Runs a part. A reader that closes its pipe, as `head` does, is no failure.
    mutating func run(_ part: () throws -> Void) { value(part) }

    /// Runs a part that the next ones use.
    ///
    /// - Returns: its value; nil if it failed.
    @discardableResult
    mutating func value<Value>(_ part: () throws -> Value) -> Value? {
        do {
            return try part()
        } catch let error as ConsoleError where error.isClosedPipe {
            return nil
        } catch {
            problems.append(ErrorText.describe(error))
            return nil
        }
    }

    /// Runs a part that saves files in a folder which can be read-only. In such a folder, it warns.
    ///
    /// - Parameter folder: for the message.
    mutating func save(to folder: String, _ part: () throws -> Void) {
        run {
            do {
                try part()
            } catch let error as InterchangeError where error.isRefusal {
                Console.warning("the results are not saved in \(folder), which cannot be written: \(error)")
            }
        }
    }

    /// Throws all failures together.
    func finish() throws {
        if !problems.isEmpty { throw FailedAttempts(description: problems.joined(separator: "\n")) }
    }
}

/// Parts of a command's output that failed, one line each.
struct FailedAttempts: Error, CustomStringConvertible {
    let description: String
}
