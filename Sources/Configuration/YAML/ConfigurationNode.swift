/// A value of a configuration, with aliases and merge keys resolved.
struct ConfigurationNode: Sendable {
    indirect enum Value: Sendable {
        /// - Parameter isPlain: false for quoted text and text blocks, which are never numbers, booleans or null.
        case scalar(String, isPlain: Bool)
        case list([ConfigurationNode])
        case section([Entry])
    }

    /// A key with its value.
    struct Entry: Sendable {
        var key: String
        /// The line of the key; nil in an override.
        var line: Int?
        var value: ConfigurationNode
    }

    var value: Value
    /// The line where the value begins; nil in an override.
    var line: Int?

    static let empty = ConfigurationNode(value: .section([]), line: nil)
    static let null = ConfigurationNode(value: .scalar("", isPlain: true), line: nil)

    /// The text of a scalar.
    var text: String? {
        if case .scalar(let text, _) = value { return text }
        return nil
    }

    /// The text of a scalar that is not quoted.
    var plainText: String? {
        if case .scalar(let text, true) = value { return text }
        return nil
    }

    /// The values of a list.
    var list: [ConfigurationNode]? {
        if case .list(let values) = value { return values }
        return nil
    }

    /// The keys of a section.
    var entries: [Entry]? {
        if case .section(let entries) = value { return entries }
        return nil
    }

    var isNull: Bool { plainText.map { ["", "~", "null", "Null", "NULL"].contains($0) } ?? false }

    /// The entry of a key.
    subscript(key: String) -> Entry? { entries?.first { $0.key == key } }

    /// Sets the value of a key of a section. Anything else becomes a section.
    mutating func set(_ key: String, _ value: ConfigurationNode) {
        var entries = entries ?? []
        let entry = Entry(key: key, line: nil, value: value)
        if let index = entries.firstIndex(where: { $0.key == key }) { entries[index] = entry } else { entries.append(entry) }
        self.value = .section(entries)
    }

    /// Replaces the entry of a key of a section. It keeps its line.
    mutating func replace(_ entry: Entry) {
        guard var entries, let index = entries.firstIndex(where: { $0.key == entry.key }) else { return }
        entries[index] = entry
        value = .section(entries)
    }

    /// The value in words, for messages.
    var description: String {
        switch value {
        case .scalar(let text, let isPlain): return isPlain ? Shown.quoted(text) : "the quoted text \(Shown.quoted(text))"
        case .list(let values): return "a list of \(values.count)"
        case .section: return "a section"
        }
    }
}

/// Texts of a file in messages of one line.
enum Shown {
    private static let limit = 80

    /// A text without control characters, cut after 80 characters.
    static func text(_ text: String) -> String {
        let cut = text.unicodeScalars.prefix(limit)
        let shown = cut.map { $0.properties.generalCategory == .control ? "\\u{\(String($0.value, radix: 16))}" : String($0) }.joined()
        return cut.count < text.unicodeScalars.count ? shown + "…" : shown
    }

    static func quoted(_ text: String) -> String { "'\(self.text(text))'" }
}

/// A reason why a text is not a usable configuration, with its line.
struct YAMLProblem: Error {
    var line: Int?
    var text: String
}
