/// The numbers that a key allows.
struct NumberRange: Sendable {
    /// A number in the range. It replaces a wrong value, so that reading can continue.
    let example: Double
    let description: String
    private let test: @Sendable (Double) -> Bool

    func contains(_ number: Double) -> Bool { test(number) }

    static let positive = NumberRange(example: 1, description: "a number above 0") { $0 > 0 }
    static let notNegative = NumberRange(example: 0, description: "0 or more") { $0 >= 0 }
    /// 0 ≤ x ≤ 1.
    static let fraction = NumberRange(example: 0.5, description: "0 to 1") { (0...1).contains($0) }
    /// 0 ≤ x < 1.
    static let belowOne = NumberRange(example: 0, description: "0 or more and below 1") { $0 >= 0 && $0 < 1 }
    /// 0 < x ≤ 1.
    static let positiveFraction = NumberRange(example: 1, description: "above 0, up to 1") { $0 > 0 && $0 <= 1 }

    static func between(_ low: Double, _ high: Double) -> NumberRange {
        NumberRange(example: low, description: "\(ConfigurationText.number(low)) to \(ConfigurationText.number(high))") {
            $0 >= low && $0 <= high
        }
    }
}

/// The Levenshtein distance of two words, ignoring case.
enum EditDistance {
    static func between(_ first: String, _ second: String) -> Int {
        let (a, b) = (Array(first.lowercased()), Array(second.lowercased()))
        var row = Array(0...b.count)
        for (i, letter) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (letter == b[j] ? 0 : 1))
                diagonal = above
            }
        }
        return row[b.count]
    }
}
