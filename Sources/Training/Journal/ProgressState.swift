import Console
import Foundation
import Interchange

/// The progress of training, for one line on the console.
public struct ProgressState {
    public var stage: String
    /// Starts at 1.
    public var epoch: Int
    public var epochs: Int
    /// Finished steps of the epoch.
    public var step: Int
    public var steps: Int
    public var imagesPerSecond: Double
    /// Means over the epoch so far.
    public var loss: Double
    public var accuracy: Double
    /// Nil in stages without the predictor.
    public var gigaFLOPs: Double?
    /// Empty in stages without the predictor.
    public var shares: [(resolution: Int, share: Double)]
    /// Until the end of the stage.
    public var remainingSeconds: Double?
    /// Whether the remaining time is that of the whole training.
    public var isLastStage = true

    /// The whole line.
    public var text: String { parts.map(\.text).joined(separator: Self.gap) }

    /// The line of a terminal: a bar, and as many parts as fit. The remaining time is among the last ones that are left out.
    ///
    /// - Parameter width: of the line, in characters.
    public func text(width: Int) -> String {
        var parts = self.parts
        parts.insert((ProgressBar.text(stageShare, width: 12), 4), at: 0)
        func length() -> Int { parts.reduce(0) { $0 + $1.text.count } + Self.gap.count * (parts.count - 1) }
        while length() > width, parts.count > 1, let least = parts.indices.min(by: { parts[$0].weight < parts[$1].weight }) {
            parts.remove(at: least)
        }
        return String(parts.map(\.text).joined(separator: Self.gap).prefix(max(width, 0)))
    }

    private static let gap = "  "

    /// The share of the stage that is done.
    private var stageShare: Double { (Double(epoch - 1) + Double(step) / Double(max(steps, 1))) / Double(max(epochs, 1)) }

    /// The parts of the line. Those with a small weight are left out first.
    private var parts: [(text: String, weight: Int)] {
        var parts = [
            ("\(stage) \(epoch)/\(epochs)", 9), ("step \(step)/\(steps)", 7), (String(format: "%.0f images/s", imagesPerSecond), 3),
            (String(format: "loss %.3f", loss), 6), ("accuracy \(Figures.percent(accuracy)) %", 5),
        ]
        if let gigaFLOPs { parts.append(("\(Figures.threeDigits(gigaFLOPs)) GFLOPs", 2)) }
        if !shares.isEmpty {
            parts.append((shares.map { "\($0.resolution): \(Int((100 * $0.share).rounded())) %" }.joined(separator: " "), 1))
        }
        if let remainingSeconds { parts.append((Self.duration(remainingSeconds) + (isLastStage ? " left" : " left in this stage"), 8)) }
        return parts
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
