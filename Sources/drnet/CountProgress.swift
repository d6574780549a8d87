import Console
import Foundation

/// Reports the progress of work on many images: on a terminal on a line that is overwritten, otherwise on a new line every ten seconds.
///
/// `@unchecked Sendable` is safe: `update` is called by one thread at a time.
final class CountProgress: @unchecked Sendable {
    private let count: Int
    private let isTerminal = isatty(STDOUT_FILENO) != 0
    private var last = ProcessInfo.processInfo.systemUptime

    /// - Parameter count: of all images.
    init(count: Int) {
        self.count = count
    }

    /// Shows a text, unless the last one is too recent.
    ///
    /// - Parameters:
    ///   - done: the number of images so far.
    ///   - text: what to show.
    func update(_ done: Int, _ text: @autoclosure () -> String) {
        let now = ProcessInfo.processInfo.systemUptime
        guard now - last >= (isTerminal ? 0.2 : 10) || isTerminal && done == count else { return }
        last = now
        isTerminal ? Console.progress("\r\(text())\(done == count ? "\n" : "")") : Console.note(text())
    }
}
