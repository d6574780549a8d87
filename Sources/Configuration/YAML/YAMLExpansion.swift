import Yams

/// Resolves aliases and merge keys (`<<`), and refuses what a configuration cannot use.
struct YAMLExpansion {
    /// Deeper than any configuration.
    private static let maximumDepth = 32
    /// Aliases of aliases can expand to any number of values.
    private static let maximumCount = 10_000

    private static let coreTag = "tag:yaml.org,2002:"
    private var count = 0
    private let hasLines: Bool

    /// - Parameter hasLines: whether the nodes get the lines of the text.
    init(hasLines: Bool) {
        self.hasLines = hasLines
    }

    /// - Throws: `YAMLProblem`.
    mutating func expand(_ node: Node, depth: Int = 0) throws -> ConfigurationNode {
        let line = node.mark?.line
        count += 1
        guard count <= Self.maximumCount else {
            throw YAMLProblem(line: line, text: "the aliases expand to more than \(Self.maximumCount) values")
        }
        guard depth <= Self.maximumDepth else { throw YAMLProblem(line: line, text: "nested too deeply for a configuration") }
        return ConfigurationNode(value: try value(node, depth), line: hasLines ? line : nil)
    }

    private mutating func value(_ node: Node, _ depth: Int) throws -> ConfigurationNode.Value {
        switch node {
        case .scalar(let scalar):
            let isQuoted = ![.plain, .any].contains(scalar.style)
            try Self.checkTag(scalar.tag, allowed: isQuoted ? ["str"] : ["str", "int", "float", "bool", "null"], line: scalar.mark?.line)
            return .scalar(scalar.string, isPlain: !isQuoted && scalar.tag.rawValue != Self.coreTag + "str")
        case .sequence(let sequence):
            try Self.checkTag(sequence.tag, allowed: ["seq"], line: sequence.mark?.line)
            return .list(try sequence.map { try expand($0, depth: depth + 1) })
        case .mapping(let mapping):
            try Self.checkTag(mapping.tag, allowed: ["map"], line: mapping.mark?.line)
            return .section(try entries(mapping, depth))
        case .alias:
            throw YAMLProblem(line: node.mark?.line, text: "an alias that cannot be resolved")
        }
    }

    /// The keys of a mapping. Its own keys come before those that it merges, and earlier merged mappings before later ones.
    private mutating func entries(_ mapping: Node.Mapping, _ depth: Int) throws -> [ConfigurationNode.Entry] {
        var entries: [ConfigurationNode.Entry] = []
        var lines: [String: Int?] = [:]
        var merged: [ConfigurationNode.Entry] = []
        for (key, value) in mapping {
            let line = key.mark?.line
            guard let scalar = key.scalar else { throw YAMLProblem(line: line, text: "keys must be words, not lists or sections") }
            if scalar.string == "<<" && scalar.style == .plain {
                merged += try mergedEntries(value, line: line, depth)
                continue
            }
            try Self.checkTag(scalar.tag, allowed: ["str", "int", "float", "bool", "null", "merge", "value", "timestamp"], line: line)
            if let first = lines.updateValue(line, forKey: scalar.string) {
                let place = first.map { ", first in line \($0)" } ?? ""
                throw YAMLProblem(line: line, text: "key \(Shown.quoted(scalar.string)) appears twice\(place); remove one of the two")
            }
            entries.append(.init(key: scalar.string, line: hasLines ? line : nil, value: try expand(value, depth: depth + 1)))
        }
        for entry in merged where lines[entry.key] == nil {
            lines[entry.key] = .some(entry.line)
            entries.append(entry)
        }
        return entries
    }

    private mutating func mergedEntries(_ value: Node, line: Int?, _ depth: Int) throws -> [ConfigurationNode.Entry] {
        let node = try expand(value, depth: depth + 1)
        let sections = node.list?.map(\.entries) ?? [node.entries]
        return try sections.flatMap { entries in
            guard let entries else {
                throw YAMLProblem(
                    line: line, text: "the merge key '<<' takes a section or a list of sections, such as *name, not \(node.description)")
            }
            return entries
        }
    }

    private static func checkTag(_ tag: Tag, allowed: [String], line: Int?) throws {
        let name = tag.rawValue
        guard !["", "!"].contains(name), !allowed.contains(where: { coreTag + $0 == name }) else { return }
        let shown = name.hasPrefix(coreTag) ? "!!" + name.dropFirst(coreTag.count) : name
        throw YAMLProblem(line: line, text: "the tag \(Shown.quoted(shown)) is not supported here; remove it")
    }
}
