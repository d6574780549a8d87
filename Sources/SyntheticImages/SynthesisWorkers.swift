import Foundation

/// Processes the images of a data set on several threads. The first error stops all threads.
///
/// `@unchecked Sendable` is safe: `lock` protects the variables, and `progress` is called under it.
final class SynthesisWorkers: @unchecked Sendable {
    private let items: [SyntheticDataSet.Item]
    private let threads: Int
    private let progress: (Int, Int) -> Void
    private let lock = NSLock()
    private var claimed = 0
    private var done = 0
    private var failure: Error?

    init(items: [SyntheticDataSet.Item], threads: Int, progress: @escaping (Int, Int) -> Void) {
        self.items = items
        self.threads = max(1, threads)
        self.progress = progress
    }

    /// Runs `body` for every item, and returns after all are done.
    ///
    /// - Throws: the first error.
    func run(_ body: @Sendable (SyntheticDataSet.Item) throws -> Void) throws {
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            while let item = claim() {
                do {
                    try body(item)
                    finish(nil)
                } catch {
                    finish(error)
                }
            }
        }
        if let failure { throw failure }
    }

    private func claim() -> SyntheticDataSet.Item? {
        lock.withLock {
            guard failure == nil, claimed < items.count else { return nil }
            claimed += 1
            return items[claimed - 1]
        }
    }

    private func finish(_ error: Error?) {
        lock.withLock {
            done += 1
            if let error, failure == nil { failure = error }
            progress(done, items.count)
        }
    }
}
