import Foundation

/// A configuration that cannot be used. It lists all problems.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// One line each.
    public var problems: [String]

    public var description: String { problems.joined(separator: "\n") }
}

/// A YAML text with the overrides of the command line. It collects the problems that are found while its sections are read.
final class ConfigurationDocument {
    let path: String
    private(set) var problems: [String] = []
    /// The descriptions of the keys that were read, in this order.
    private(set) var keys: [KeyDescription] = []
    private var root: ConfigurationNode
    /// Keys that the command line set, with the text of the override. Later ones override earlier ones.
    private var overridden: [(key: String, words: String)] = []

    /// Sections at the top of a file whose names begin so hold anchors for other sections. Nothing else reads them.
    private static let anchorPrefix = "x-"

    /// - Parameters:
    ///   - text: the YAML text.
    ///   - path: its file, for messages.
    ///   - overrides: "key.path=value" each.
    init(_ text: String, path: String, overrides: [String]) throws {
        self.path = path
        do {
            root = try Self.parse(text)
        } catch let problem as YAMLProblem {
            throw ConfigurationError(problems: ["\(path)\(problem.line.map { ":\($0)" } ?? ""): \(problem.text)"])
        }
        for override in overrides {
            do {
                try apply(override)
            } catch let problem as YAMLProblem {
                throw ConfigurationError(problems: ["--set \(Shown.text(override)): \(problem.text)"])
            }
        }
        // A recipe that does not exist is reported when the key is read.
        if let recipe = root[Recipe.key]?.value.text.flatMap({ Recipe(rawValue: $0) }) { root = try recipe.fill(root) }
    }

    /// The section of the whole document.
    func section() -> ConfigurationSection {
        ConfigurationSection(document: self, node: root, path: "")
    }

    /// Records the description of a key.
    func declare(_ key: KeyDescription) { keys.append(key) }

    /// Records a problem with a key. The message names the override that set the key, or the file and the line.
    ///
    /// - Parameters:
    ///   - key: the full path of the key.
    ///   - line: in the file; nil if it is not known.
    ///   - problem: the end of the sentence, such as "is missing".
    func report(_ key: String, at line: Int?, _ problem: String) {
        if let words = overridden.last(where: { key == $0.key || key.hasPrefix($0.key + ".") })?.words {
            problems.append("--set \(Shown.text(words)): key '\(Shown.text(key))' \(problem)")
        } else {
            problems.append("\(path)\(line.map { ":\($0)" } ?? ""): key '\(Shown.text(key))' \(problem)")
        }
    }

    private static func parse(_ text: String) throws -> ConfigurationNode {
        guard let node = try YAMLComposer.compose(text) else { return .empty }
        var expansion = YAMLExpansion(hasLines: true)
        var root = try expansion.expand(node)
        if root.isNull { return .empty }
        guard let entries = root.entries else {
            throw YAMLProblem(line: root.line, text: "a configuration is a YAML mapping of keys to values, not \(root.description)")
        }
        root.value = .section(entries.filter { !$0.key.hasPrefix(anchorPrefix) })
        return root
    }

    // MARK: - Overrides

    /// Sets the key of "key.path=value". Missing sections are created.
    private func apply(_ override: String) throws {
        let parts = override.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let keys = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let isKey = keys.allSatisfy { !$0.isEmpty && !$0.contains(where: \.isWhitespace) }
        guard parts.count == 2, isKey else {
            throw YAMLProblem(line: nil, text: "write key.path=value, such as optimizer.batchSize=64")
        }
        let value = try Self.overrideValue(parts[1])
        overridden.append((parts[0], override))
        root = Self.setting(keys[...], to: value, in: root)
    }

    static func overrideValue(_ text: String) throws -> ConfigurationNode {
        guard !text.isEmpty else { throw YAMLProblem(line: nil, text: "the value is empty; write null to remove the key") }
        _ = try YAMLBytes.text(Data(text.utf8))
        let value = try parseOverride(text)
        try refuseComment(text, value)
        let begin = text.drop { $0.isWhitespace }.first
        if value.entries != nil && begin != "{" {
            throw YAMLProblem(
                line: nil, text: "': ' makes the value a section; put a text that contains it in quotes, as in key='\"a: b\"'")
        }
        if value.list != nil && begin != "[" {
            throw YAMLProblem(line: nil, text: "write a list as [a, b]; put a text that begins with '- ' in quotes")
        }
        return value
    }

    private static func parseOverride(_ text: String) throws -> ConfigurationNode {
        var expansion = YAMLExpansion(hasLines: false)
        do {
            return try YAMLComposer.compose(text).map { try expansion.expand($0) } ?? .null
        } catch let problem as YAMLProblem {
            throw YAMLProblem(line: nil, text: "the value \(Shown.quoted(text)): \(problem.text)")
        }
    }

    /// Refuses a value whose end is a comment in YAML: the person who quoted it for the shell meant a text.
    private static func refuseComment(_ text: String, _ value: ConfigurationNode) throws {
        var previous: Character = " "
        for index in text.indices {
            defer { previous = text[index] }
            guard text[index] == "#", previous.isWhitespace else { continue }
            // A text that has the same value without its end has a comment there.
            if let begin = try? parseOverride(String(text[..<index])), begin.isEqual(to: value) {
                throw YAMLProblem(line: nil, text: "'\(text[index...])' is a comment in YAML; put the text in quotes, as in key='\"a #b\"'")
            }
        }
    }

    private static func setting(
        _ keys: ArraySlice<String>, to value: ConfigurationNode, in node: ConfigurationNode?
    ) -> ConfigurationNode {
        guard let first = keys.first else { return value }
        var section = node?.entries == nil ? .empty : node ?? .empty
        section.set(first, setting(keys.dropFirst(), to: value, in: section[first]?.value))
        return section
    }
}

extension ConfigurationNode {
    fileprivate func isEqual(to other: ConfigurationNode) -> Bool {
        switch (value, other.value) {
        case (.scalar(let first, let firstIsPlain), .scalar(let second, let secondIsPlain)):
            return first == second && firstIsPlain == secondIsPlain
        case (.list(let first), .list(let second)):
            return first.count == second.count && zip(first, second).allSatisfy { $0.isEqual(to: $1) }
        case (.section(let first), .section(let second)):
            return first.count == second.count && zip(first, second).allSatisfy { $0.key == $1.key && $0.value.isEqual(to: $1.value) }
        default: return false
        }
    }
}
