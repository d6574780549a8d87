/// A bar of progress, as text for a line on a terminal.
public enum ProgressBar {
    /// Eighths of a cell, so that a short bar moves smoothly.
    private static let parts: [Character] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

    /// Returns a bar such as "▕████▌     ▏". Its length in characters is `width` + 2.
    ///
    /// - Parameters:
    ///   - share: what is done, 0 … 1. Other values are clamped, and a value that is no number counts as 0.
    ///   - width: cells of the bar, at least 1.
    public static func text(_ share: Double, width: Int = 20) -> String {
        let share = share.isFinite ? min(max(share, 0), 1) : 0
        let eighths = Int((share * Double(8 * max(width, 1))).rounded(.down))
        var bar = String(repeating: "█", count: eighths / 8)
        if bar.count < max(width, 1) { bar.append(parts[eighths % 8]) }
        return "▕" + bar + String(repeating: " ", count: max(width, 1) - bar.count) + "▏"
    }
}
