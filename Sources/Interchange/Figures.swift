import Foundation

/// Numbers as text, the same in tables, messages and files.
package enum Figures {
    /// A share, 0 … 1, in percent with one decimal: 0.4567 → "45.7".
    package static func percent(_ share: Double) -> String { String(format: "%.1f", 100 * share) }

    /// Three significant digits: networks cost 0.001 to 100 GFLOPs an image.
    package static func threeDigits(_ value: Double) -> String { String(format: "%.3g", value) }
}
