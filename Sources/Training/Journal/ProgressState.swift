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

    /// The line.
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
