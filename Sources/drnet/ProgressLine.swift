import Console
import Foundation

/// Shows how far a long part of a command is: on a terminal on one line with a bar, otherwise on a new line every ten seconds.
final class ProgressLine {
    private let label: String
    private let count: Int
    private let isTerminal = isatty(STDOUT_FILENO) != 0
    private let start = ProcessInfo.processInfo.systemUptime
    private var last: Double

    /// - Parameters:
    ///   - label: what is done.
    ///   - count: of the things to do.
    init(_ label: String, count: Int) {
        self.label = label
        self.count = count
        last = start
    }

    /// Shows that some of the things are done.
    func update(_ done: Int) {
        let now = ProcessInfo.processInfo.systemUptime
        guard count > 0, now - last >= (isTerminal ? 0.2 : 10) else { return }
        last = now
        let share = Double(done) / Double(count)
        let left = done > 0 ? (now - start) * (1 - share) / share : .infinity
        let text = "\(label): \(done) of \(count)" + (left.isFinite ? String(format: ", %.0f s left", left) : "")
        isTerminal ? Console.progress("\r\u{1B}[K\(ProgressBar.text(share)) \(text)") : Console.note(text)
    }

    /// Removes the line from a terminal.
    func finish() {
        if isTerminal { Console.progress("\r\u{1B}[K") }
    }
}
