import Interchange
import Foundation

/// Where training stands.
public struct ProgressState {
    public var stage: String
    /// Counted from 1.
    public var epoch: Int
    public var epochs: Int
    /// Steps of the epoch that are done.
    public var step: Int
    public var steps: Int
    public var imagesPerSecond: Double
    /// Means over the epoch so far.
    public var loss: Double
    public var accuracy: Double
    /// Nil where nothing is routed.
    public var gigaFLOPs: Double?
    public var shares: [(resolution: Int, share: Double)]
    /// To the end of the stage.
    public var remainingSeconds: Double?

    /// One line.
    public var text: String {
        var parts = [
            "\(stage) \(epoch)/\(epochs)", "step \(step)/\(steps)", String(format: "%.0f images/s", imagesPerSecond),
            String(format: "loss %.3f", loss), "accuracy \(Figures.percent(accuracy)) %",
        ]
        if let gigaFLOPs { parts.append("\(Figures.threeDigits(gigaFLOPs)) GFLOPs") }
        if !shares.isEmpty {
            parts.append(shares.map { "\($0.resolution): \(Int((100 * $0.share).rounded())) %" }.joined(separator: " "))
        }
        if let remainingSeconds { parts.append(Self.duration(remainingSeconds) + " left") }
        return parts.joined(separator: "  ")
    }

    /// 3661 → "1 h 01 min".
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "?" }
        let total = Int(seconds.rounded())
        if total < 60 { return "\(total) s" }
        if total < 3600 { return "\(total / 60) min \(String(format: "%02d", total % 60)) s" }
        return "\(total / 3600) h \(String(format: "%02d", total / 60 % 60)) min"
    }
}

/// Shows progress: one live line on a terminal, plain lines from time to time elsewhere.
public final class ProgressReporter {
    private let isTerminal: Bool
    private let width: Int
    private let write: (String) -> Void
    private let now: () -> Date
    private var lastTime = Date.distantPast
    private var lastState: ProgressState?
    private var liveLine = false

    /// Seconds between lines, on a terminal and elsewhere.
    private static let (liveSeconds, plainSeconds) = (0.1, 10.0)

    /// Reports to standard output.
    ///
    /// mpirun gives its ranks a terminal of its own making, whether it has one itself or not: under it, launch/train says in
    /// DRNET_TERMINAL_WIDTH how wide the real one is.
    public convenience init() {
        let environment = ProcessInfo.processInfo.environment
        let told = environment["DRNET_TERMINAL_WIDTH"].flatMap { Int($0) }
        let isRank = environment["OMPI_COMM_WORLD_SIZE"] != nil
        let isTerminal = told != nil || !isRank && isatty(FileHandle.standardOutput.fileDescriptor) != 0
        self.init(isTerminal: isTerminal, width: told ?? (isTerminal ? Self.terminalWidth() : Int.max)) {
            FileHandle.standardOutput.write(Data($0.utf8))
        }
    }

    init(isTerminal: Bool, width: Int, now: @escaping () -> Date = Date.init, write: @escaping (String) -> Void) {
        self.isTerminal = isTerminal
        self.width = width
        self.now = now
        self.write = write
    }

    public func update(_ state: ProgressState) {
        lastState = state
        let time = now()
        guard time.timeIntervalSince(lastTime) >= (isTerminal ? Self.liveSeconds : Self.plainSeconds) else { return }
        lastTime = time
        show(state)
    }

    /// Leaves the last state as a line of its own, at the end of an epoch.
    public func finishLine() {
        guard let state = lastState else { return }
        show(state)
        if liveLine { write("\n") }
        liveLine = false
        lastState = nil
    }

    /// A line for people, above the live one.
    public func note(_ text: String) {
        if liveLine { write("\r\u{1B}[K") }
        write(text + "\n")
        if liveLine, let lastState { show(lastState) }
    }

    private func show(_ state: ProgressState) {
        guard isTerminal else { return write(state.text + "\n") }
        write("\r\u{1B}[K" + state.text.prefix(max(width - 1, 20)))
        liveLine = true
    }

    private static func terminalWidth() -> Int {
        var size = winsize()
        return ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}
