import Console
import Foundation

/// Shows progress: one live line on a terminal, otherwise one plain line every ten seconds.
public final class ProgressReporter {
    private let isTerminal: Bool
    private let width: Int
    private let showsColors: Bool
    private let write: (String) -> Void
    private let now: () -> Date
    private var lastTime = Date.distantPast
    private var lastState: ProgressState?
    private var liveLine = false

    /// Seconds between updates: of the live line on a terminal, and of plain lines.
    private static let (liveSeconds, plainSeconds) = (0.1, 10.0)

    /// Reports to standard output.
    ///
    /// mpirun gives its ranks a pseudo-terminal even if it has no terminal itself. launch/train therefore passes the width of the real
    /// terminal in DRNET_TERMINAL_WIDTH.
    public convenience init() {
        let environment = ProcessInfo.processInfo.environment
        let passedWidth = environment["DRNET_TERMINAL_WIDTH"].flatMap { Int($0) }
        let isRank = environment["OMPI_COMM_WORLD_SIZE"] != nil
        let isTerminal = passedWidth != nil || !isRank && isatty(STDOUT_FILENO) != 0
        self.init(
            isTerminal: isTerminal, width: passedWidth ?? (isTerminal ? Self.terminalWidth() : Int.max), showsColors: Console.showsColors,
            write: Console.progress)
    }

    init(isTerminal: Bool, width: Int, showsColors: Bool = false, now: @escaping () -> Date = Date.init, write: @escaping (String) -> Void)
    {
        self.isTerminal = isTerminal
        self.width = width
        self.showsColors = showsColors
        self.now = now
        self.write = write
    }

    /// Shows the state if enough time has passed since the last line.
    public func update(_ state: ProgressState) {
        lastState = state
        let time = now()
        guard time.timeIntervalSince(lastTime) >= (isTerminal ? Self.liveSeconds : Self.plainSeconds) else { return }
        lastTime = time
        show(state)
    }

    /// Writes the last state as a line of its own, at the end of an epoch.
    public func finishLine() {
        guard let state = lastState else { return }
        show(state)
        if liveLine { write("\n") }
        liveLine = false
        lastState = nil
    }

    /// Writes a line above the live line.
    public func note(_ text: String) {
        if liveLine { write("\r\u{1B}[K") }
        write(colored(text) + "\n")
        if liveLine, let lastState { show(lastState) }
    }

    private func show(_ state: ProgressState) {
        guard isTerminal else { return write(state.text + "\n") }
        write("\r\u{1B}[K" + state.text(width: max(width - 1, 20)))
        liveLine = true
    }

    /// A warning, with its first word in colour on a terminal.
    private func colored(_ text: String) -> String {
        let prefix = "warning:"
        guard showsColors, text.hasPrefix(prefix) else { return text }
        return ConsoleColor.yellow.paint(prefix, if: true) + text.dropFirst(prefix.count)
    }

    private static func terminalWidth() -> Int {
        var size = winsize()
        return ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}
