import Foundation

/// Reads numbers and booleans as YAML 1.2's core schema does, in decimal notation. Whatever another version of YAML would read differently
/// is refused, with what to write instead.
enum ScalarReading {
    /// A value, or a hint for the message; the hint can be empty.
    enum Result<Value> {
        case value(Value)
        case problem(hint: String)
    }

    static func integer(_ node: ConfigurationNode) -> Result<Int> {
        guard let text = node.plainText else { return quoted(node, number(plain(node.text ?? ""))) }
        if isMatch(text, digits) {
            guard !hasLeadingZero(text) else { return .problem(hint: octal(text)) }
            return Int(text).map { .value($0) } ?? .problem(hint: ": it is too large")
        }
        if isMatch(text, decimal), let number = Double(text), let whole = Int(exactly: number) { return .problem(hint: ": write \(whole)") }
        return .problem(hint: notation(text))
    }

    static func number(_ node: ConfigurationNode) -> Result<Double> {
        guard let text = node.plainText else { return quoted(node, number(plain(node.text ?? ""))) }
        guard isMatch(text, decimal) else { return .problem(hint: notation(text)) }
        guard !(isMatch(text, digits) && hasLeadingZero(text)) else { return .problem(hint: octal(text)) }
        guard let number = Double(text), number.isFinite else { return .problem(hint: ": it is too large") }
        return .value(number)
    }

    static func boolean(_ node: ConfigurationNode) -> Result<Bool> {
        guard let text = node.plainText else { return quoted(node, boolean(plain(node.text ?? ""))) }
        switch text {
        case "true", "True", "TRUE": return .value(true)
        case "false", "False", "FALSE": return .value(false)
        default:
            let words = ["yes": true, "on": true, "y": true, "1": true, "no": false, "off": false, "n": false, "0": false]
            return .problem(hint: words[text.lowercased()].map { ": write \($0)" } ?? "")
        }
    }

    /// Whether a text is a number in decimal notation, such as 8, -0.5, .5 or 1e-3.
    static func isDecimal(_ text: String) -> Bool { isMatch(text, decimal) }

    // MARK: - Notations

    private static let digits = "[-+]?[0-9]+"
    private static let decimal = "[-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?"

    private static func isMatch(_ text: String, _ pattern: String) -> Bool {
        text.range(of: "^(?:\(pattern))$", options: .regularExpression).map { $0 == text.startIndex..<text.endIndex } ?? false
    }

    private static func plain(_ text: String) -> ConfigurationNode { ConfigurationNode(value: .scalar(text, isPlain: true), line: nil) }

    private static func quoted<Value, Inner>(_ node: ConfigurationNode, _ inner: Result<Inner>) -> Result<Value> {
        if case .value = inner, node.text != nil { return .problem(hint: ": remove the quotes") }
        return .problem(hint: "")
    }

    private static func hasLeadingZero(_ text: String) -> Bool {
        let digits = text.drop { $0 == "-" || $0 == "+" }
        return digits.count > 1 && digits.hasPrefix("0")
    }

    private static func octal(_ text: String) -> String { ": a leading zero means octal in some versions of YAML; remove it" }

    /// Why a text that people use as a number is none.
    private static func notation(_ text: String) -> String {
        let lowercase = text.lowercased().drop { $0 == "-" || $0 == "+" }
        if [".inf", "inf", "infinity", ".nan", "nan"].contains(String(lowercase)) { return ": infinity and NaN are not allowed" }
        if lowercase.hasPrefix("0x") || lowercase.hasPrefix("0o") || lowercase.hasPrefix("0b") { return ": write it in decimal" }
        if lowercase.contains("_") || lowercase.contains(","), lowercase.first?.isNumber ?? false {
            return ": write it without separators between the digits, and with a point for decimals"
        }
        if isMatch(text, "[-+]?[0-9]+(:[0-9]+)+(\\.[0-9]*)?") { return ": some versions of YAML read it in base 60; write it in decimal" }
        return ""
    }
}
