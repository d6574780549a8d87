import Foundation

/// The cost of an image as a person writes it: a share of the classifier's cost at the largest resolution, or a number of multiply-adds.
public enum ComputeCost: Equatable, Sendable {
    /// In units of the classifier's cost at the largest resolution.
    case share(Double)
    case multiplyAdds(Double)

    /// Suffixes of multiply-adds, largest first.
    private static let units: [(suffix: Character, factor: Double)] = [("G", 1e9), ("M", 1e6), ("K", 1e3)]

    /// What `init` reads, for messages.
    package static let allowed =
        "a share of the largest resolution's multiply-adds, such as 0.6, or a number of them, such as 2.5G, 300M or 40K"

    /// Reads "0.6" as a share, and "2.5G", "300M" and "40K" as multiply-adds.
    ///
    /// - Parameter largestShare: a larger number without a suffix is a number of multiply-adds.
    /// - Returns: nil if the text is not a positive number in decimal notation with one suffix at most.
    package init?(_ text: String, largestShare: Double = .infinity) {
        let unit = Self.units.first { $0.suffix == text.last }
        let digits = unit == nil ? text : String(text.dropLast())
        guard ScalarReading.isDecimal(digits), let number = Double(digits), number.isFinite, number > 0 else { return nil }
        if let unit {
            guard (number * unit.factor).isFinite else { return nil }
            self = .multiplyAdds(number * unit.factor)
        } else {
            self = number <= largestShare ? .share(number) : .multiplyAdds(number)
        }
    }

    /// A number of multiply-adds in the largest unit that it reaches, four significant digits: 2500000000 → "2.5G".
    package static func text(multiplyAdds: Double) -> String {
        let unit = units.first { multiplyAdds >= $0.factor } ?? units[units.count - 1]
        return String(format: "%.4g", multiplyAdds / unit.factor) + String(unit.suffix)
    }
}
