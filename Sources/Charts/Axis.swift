import Foundation

/// The scale of a chart's side: from one round number to another, with ticks at round numbers between.
public struct Axis: Equatable {
    public let lower: Double
    public let upper: Double
    private let step: Double

    /// - Parameter count: how many steps between ticks there are at most, but for what rounding the ends adds.
    public init(covering range: ClosedRange<Double>, steps count: Int) {
        // A single value gets some room.
        let width = range.upperBound > range.lowerBound ? range.upperBound - range.lowerBound : max(abs(range.upperBound), 1) / 10
        let power = pow(10, floor(log10(width / Double(count))))
        step = power * ([1.0, 2, 5].first { power * $0 >= width / Double(count) * (1 - 1e-9) } ?? 10)
        // Round numbers are often met up to rounding.
        lower = (range.lowerBound / step + 1e-9).rounded(.down) * step
        upper = max((range.upperBound / step - 1e-9).rounded(.up) * step, lower + step)
    }

    public var ticks: [Double] {
        (0...Int(((upper - lower) / step).rounded())).map { lower + Double($0) * step }
    }

    /// As many digits as tell the ticks apart.
    public func text(_ tick: Double) -> String {
        String(format: "%.\(max(0, Int((-log10(step) - 1e-9).rounded(.up))))f", tick)
    }

    /// Where a value lies between the ends, 0 … 1.
    func place(_ value: Double) -> Double { (value - lower) / (upper - lower) }
}
