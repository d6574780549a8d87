/// What the reference says of a key. It is declared where the key is read.
package struct KeyDescription: Equatable, Sendable {
    /// The full name, such as "optimizer.batchSize".
    package var key: String
    /// The kind of the value, and its range.
    package var values: String
    /// The default as text; "required" without one.
    package var defaultText: String
    /// One or a few sentences in Markdown.
    package var about: String
}

/// What kinds of values take, in words.
enum ValueText {
    static let boolean = "`true`, `false`"
    static let text = "text"

    static func choice(_ values: [String]) -> String { values.map { "`\($0)`" }.joined(separator: ", ") }

    static func range(_ range: ClosedRange<Int>) -> String {
        switch (range.lowerBound, range.upperBound) {
        case (let low, .max): return "\(grouped(low)) or more"
        case (let low, let high): return "\(grouped(low))…\(grouped(high))"
        }
    }

    static func range(_ range: NumberRange) -> String {
        (range.description.hasPrefix("a number ") ? String(range.description.dropFirst("a number ".count)) : range.description)
            .replacing(/^([\d.]+) to ([\d.]+)$/) { "\($0.1)…\($0.2)" }
    }

    /// A number with commas between groups of three digits.
    private static func grouped(_ number: Int) -> String {
        let digits = String(number)
        guard digits.count > 3 else { return digits }
        return grouped(number / 1000) + "," + digits.suffix(3)
    }
}
