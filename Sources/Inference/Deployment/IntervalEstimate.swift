import Foundation

/// A mean over images, with a 95 % interval.
public struct IntervalEstimate: Codable, Equatable, Sendable {
    public var value: Double
    public var low: Double
    public var high: Double

    public init(value: Double, low: Double, high: Double) {
        self.value = value
        self.low = low
        self.high = high
    }

    /// A number without uncertainty.
    public init(exactly value: Double) { self.init(value: value, low: value, high: value) }

    /// A difference of accuracies in points, with its sign: "+1.2 (−0.3 … +2.6)".
    package var points: String { "\(Self.points(value)) (\(Self.points(low)) … \(Self.points(high)))" }

    private static func points(_ share: Double) -> String {
        let text = String(format: "%+.1f", 100 * share)
        return text == "-0.0" ? "+0.0" : text.replacingOccurrences(of: "-", with: "−")
    }
}
