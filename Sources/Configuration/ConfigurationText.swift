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
        let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return .scalar("\"\(escaped)\"")
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
    func keys(prefix: String = "") -> [String] {
        guard case .section(let entries) = self else { return [] }
        return entries.flatMap { key, value -> [String] in
            if case .scalar = value { return [prefix + key] }
            return value.keys(prefix: prefix + key + ".")
        }
    }
}
