import Foundation

/// The scale of one axis of a chart. Both ends and all ticks are round numbers.
public struct Axis: Equatable {
    /// The value at the lower end.
    public let lower: Double
    /// The value at the upper end.
    public let upper: Double
    private let step: Double

    /// Creates an axis that covers `range`.
    ///
    /// - Parameter count: the maximum number of steps between ticks. Rounding the ends can add more.
    public init(covering range: ClosedRange<Double>, steps count: Int) {
        // Widen the range around a single value, and around values that differ in their last digits only: no tick could tell them apart.
        let (difference, largest) = (range.upperBound - range.lowerBound, max(abs(range.lowerBound), abs(range.upperBound)))
        let width = difference > max(1e-9 * largest, 1e-12) ? difference : max(abs(range.upperBound), 1) / 10
        let power = pow(10, floor(log10(width / Double(count))))
        step = power * ([1.0, 2, 5].first { power * $0 >= width / Double(count) * (1 - 1e-9) } ?? 10)
        // Tolerate rounding errors of ends that are already round.
        lower = (range.lowerBound / step + 1e-9).rounded(.down) * step
        upper = max((range.upperBound / step - 1e-9).rounded(.up) * step, lower + step)
    }

    /// The values of the ticks, in ascending order.
    public var ticks: [Double] {
        (0...Int(((upper - lower) / step).rounded())).map { lower + Double($0) * step }
    }

    /// Formats a tick with as many decimals as needed to distinguish adjacent ticks.
    public func text(_ tick: Double) -> String {
        String(format: "%.\(max(0, Int((-log10(step) - 1e-9).rounded(.up))))f", tick)
    }

    /// Returns the relative position of a value on the axis, 0 … 1.
    func place(_ value: Double) -> Double { (value - lower) / (upper - lower) }
}
