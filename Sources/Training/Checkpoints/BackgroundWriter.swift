import Foundation

/// Writes checkpoints on a thread of its own, one at a time, while training goes on.
///
/// `@unchecked Sendable` is safe: a lock protects the variable, and everything else is constant.
final class BackgroundWriter: @unchecked Sendable {
    private let queue = DispatchQueue(label: "checkpoints")
    private let lock = NSLock()
    private var failure: (any Error)?

    /// Waits for the task before, then starts a task. At most one task therefore holds a copy of the state.
    ///
    /// - Parameter task: runs on the other thread. Nothing else may use what it changes before `wait` returned.
    /// - Throws: the error of the task before.
    func start(_ task: @escaping () throws -> Void) throws {
        try wait()
        // The caller hands the task over: it changes nothing that the task uses until `wait` returned.
        nonisolated(unsafe) let task = task
        queue.async {
            do { try task() } catch { self.lock.withLock { self.failure = error } }
        }
    }

    /// Waits until the task is done, and throws its error. An error is thrown once.
    func wait() throws {
        queue.sync {}
        try throwFailure()
    }

    /// Throws the error of a task that is done. Does not wait.
    func throwFailure() throws {
        let error = lock.withLock {
            defer { failure = nil }
            return failure
        }
        if let error { throw error }
    }
}
