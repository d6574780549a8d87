import Foundation

/// Formats numbers in the same way for tables, messages and files.
package enum Figures {
    /// Formats a share of 0 … 1 in percent with one decimal: 0.4567 → "45.7".
    package static func percent(_ share: Double) -> String { String(format: "%.1f", 100 * share) }

    /// Formats a number with three significant digits. Networks cost 0.001 to 100 GFLOPs per image, so a fixed number of decimals does not
    /// fit.
    package static func threeDigits(_ value: Double) -> String { String(format: "%.3g", value) }
}
