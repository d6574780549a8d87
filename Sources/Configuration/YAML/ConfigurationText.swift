/// A resolved configuration as YAML text.
package indirect enum ConfigurationText {
    case scalar(String)
    case section([(key: String, value: ConfigurationText)])

    static func value(_ number: Double) -> ConfigurationText { .scalar(Self.number(number)) }
    static func value(_ number: Int) -> ConfigurationText { .scalar(String(number)) }
    static func value(_ flag: Bool) -> ConfigurationText { .scalar(String(flag)) }
    static func value(_ numbers: [Int]) -> ConfigurationText {
        .scalar("[\(numbers.map(String.init).joined(separator: ", "))]")
    }
    static func value(_ numbers: [Double]) -> ConfigurationText {
        .scalar("[\(numbers.map(Self.number).joined(separator: ", "))]")
    }
    static func value(_ text: String?) -> ConfigurationText {
        guard let text else { return .scalar("null") }
        return .scalar(quoted(text))
    }

    /// A text in double quotes.
    static func quoted(_ text: String) -> String { "\"" + text.unicodeScalars.map(escaped).joined() + "\"" }

    /// A character of a text in double quotes. What YAML does not allow, or what changes in reading, becomes an escape sequence.
    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\\": return "\\\\"
        case "\"": return "\\\""
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case " "..."~", "\u{A1}"..."\u{1FFF}", "\u{2030}"..."\u{D7FF}", "\u{10000}"..."\u{10FFFF}": return String(scalar)
        case _ where scalar.value < 0x100: return "\\x" + String(scalar.value + 0x100, radix: 16).dropFirst()
        default: return "\\u" + String(scalar.value + 0x10000, radix: 16).dropFirst()
        }
    }

    /// Whole numbers without a point, and other numbers with the fewest digits that identify them.
    package static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
    }

    /// The lines of a section. Each level is indented by two spaces.
    func lines(depth: Int = 0) -> [String] {
        guard case .section(let entries) = self else { return [] }
        let indentation = String(repeating: "  ", count: depth)
        return entries.flatMap { key, value -> [String] in
            if case .scalar(let text) = value { return ["\(indentation)\(key): \(text)"] }
            return ["\(indentation)\(key):"] + value.lines(depth: depth + 1)
        }
    }

    /// The paths of all keys, such as "optimizer.batchSize".
    func keys() -> [String] { values().map(\.key) }

    /// The paths of all keys with their values as YAML text.
    func values(prefix: String = "") -> [(key: String, value: String)] {
        guard case .section(let entries) = self else { return [] }
        return entries.flatMap { key, value -> [(key: String, value: String)] in
            if case .scalar(let text) = value { return [(prefix + key, text)] }
            return value.values(prefix: prefix + key + ".")
        }
    }

    /// The same text with other values for some keys.
    ///
    /// - Parameter values: YAML text by the path of the key.
    func replacing(_ values: [String: String], prefix: String = "") -> ConfigurationText {
        guard case .section(let entries) = self else { return self }
        return .section(
            entries.map { key, value in
                if case .scalar(let text) = value { return (key, .scalar(values[prefix + key] ?? text)) }
                return (key, value.replacing(values, prefix: prefix + key + "."))
            })
    }
}
