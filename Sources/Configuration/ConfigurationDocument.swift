import Foundation
import Yams

/// A configuration that cannot be used. It lists all problems.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// One line each.
    public var problems: [String]

    public var description: String { problems.joined(separator: "\n") }
}

/// A YAML file with the overrides of the command line. It collects the problems that are found while its sections are read.
final class ConfigurationDocument {
    let path: String
    private(set) var problems: [String] = []
    private var root: Node
    /// Keys that the command line set, with the text of the override.
    private var overridden: [String: String] = [:]

    init(path: String, overrides: [String]) throws {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError(problems: ["\(path): the file does not exist or cannot be read"])
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw ConfigurationError(problems: ["\(path): the file is not UTF-8"])
        }
        root = try Self.parse(text, path: path)
        for override in overrides { try apply(override) }
    }

    /// The section of the whole document.
    func section() -> ConfigurationSection {
        ConfigurationSection(document: self, node: root, path: "")
    }

    /// Records a problem with a key. The message names the override that set the key, or the file and the line.
    ///
    /// - Parameters:
    ///   - key: the full path of the key.
    ///   - mark: the place in the file; nil if it is not known.
    ///   - problem: the end of the sentence, such as "is missing".
    func report(_ key: String, at mark: Mark?, _ problem: String) {
        if let words = overridden.first(where: { key == $0.key || key.hasPrefix($0.key + ".") })?.value {
            problems.append("--set \(words): key '\(key)' \(problem)")
        } else {
            problems.append("\(path)\(mark.map { ":\($0.line)" } ?? ""): key '\(key)' \(problem)")
        }
    }

    private static func parse(_ text: String, path: String) throws -> Node {
        do {
            let node = try Yams.compose(yaml: text) ?? Node.mapping(.init([]))
            if node.mapping != nil { return node }
            if node.scalar?.string.isEmpty == true { return Node.mapping(.init([])) }
            throw ConfigurationError(problems: ["\(path): a configuration is a YAML mapping of keys to values"])
        } catch let error as YamlError {
            throw ConfigurationError(problems: ["\(path): not valid YAML: \(error)"])
        }
    }

    /// Sets the key of "key.path=value". Missing sections are created.
    private func apply(_ override: String) throws {
        let parts = override.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let keys = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !keys.contains("") else {
            throw ConfigurationError(problems: ["--set \(override): write key.path=value, such as optimizer.batchSize=64"])
        }
        let value: Node
        do {
            value = try Yams.compose(yaml: parts[1]) ?? Node("", Tag(.null))
        } catch {
            throw ConfigurationError(problems: ["--set \(override): '\(parts[1])' is not valid YAML"])
        }
        overridden[parts[0]] = override
        root = Self.setting(keys[...], to: value, in: root)
    }

    private static func setting(_ keys: ArraySlice<String>, to value: Node, in node: Node?) -> Node {
        guard let first = keys.first else { return value }
        var mapping = node?.mapping ?? .init([])
        mapping[Node(first)] = setting(keys.dropFirst(), to: value, in: mapping[Node(first)])
        return .mapping(mapping)
    }
}
