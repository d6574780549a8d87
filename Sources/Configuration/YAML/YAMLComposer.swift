import Yams

/// Composes YAML text with Yams, and says in a sentence what is wrong with it.
enum YAMLComposer {
    /// Returns the root of a text of one document; nil if the text is empty.
    ///
    /// - Throws: `YAMLProblem`.
    static func compose(_ text: String) throws -> Node? {
        try refuseExponentialKeys(text)
        do {
            // The default encoding depends on an environment variable.
            return try Yams.compose(yaml: text, .default, .default, .utf8)
        } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
            throw DuplicateKeys.problem(keys.sorted().first ?? "", firstMark: context.mark, text: text)
        } catch let error as YamlError {
            throw problem(error, text)
        }
    }

    /// Yams hashes keys. The hash of a key that is a section of aliases of aliases takes exponential time. No configuration has such keys.
    private static func refuseExponentialKeys(_ text: String) throws {
        let bytes = Array(text.utf8)
        func isName(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F || byte == 0x2D
        }
        // With so few aliases, no key is large.
        let fewAliases = 16
        let aliases = zip(bytes, bytes.dropFirst()).lazy.filter { $0 == UInt8(ascii: "*") && isName($1) }.count
        guard aliases > fewAliases else { return }
        for (index, line) in text.utf8.split(omittingEmptySubsequences: false, whereSeparator: { $0 == 10 || $0 == 13 }).enumerated()
        where hasComplexKey(Array(line), isName) {
            throw YAMLProblem(
                line: index + 1, text: "keys must be words; a list, a section, an alias or '?' as a key is not supported with many aliases")
        }
    }

    /// Whether a line can contain a key that is no scalar: "? key", "[a]: value", "{a: b}: value", "*name : value". Also true for some
    /// texts.
    private static func hasComplexKey(_ line: [UInt8], _ isName: (UInt8) -> Bool) -> Bool {
        var isAlias = false
        for (index, byte) in line.enumerated() {
            let next = index + 1 < line.count ? line[index + 1] : 0x20
            if byte == UInt8(ascii: "?") && [0x20, 9].contains(next) { return true }
            isAlias = byte == UInt8(ascii: "*") || isAlias && isName(byte)
            guard isAlias || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") else { continue }
            if line[(index + 1)...].first(where: { $0 != 0x20 && $0 != 9 }) == UInt8(ascii: ":") { return true }
        }
        return false
    }

    // MARK: - Messages

    private static func problem(_ error: YamlError, _ text: String) -> YAMLProblem {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            return YAMLProblem(line: mark.line, text: words(problem, context, mark, TextLines(text)))
        case .reader(let problem, _, _, _): return YAMLProblem(line: nil, text: "not valid YAML: \(problem)")
        default: return YAMLProblem(line: nil, text: "not valid YAML")
        }
    }

    private static func words(_ problem: String, _ context: YamlError.Context?, _ mark: Mark, _ lines: TextLines) -> String {
        let character = lines.character(mark)
        switch problem {
        case "but found another document":
            return "a second document begins here; a configuration is one document, so remove '---' or one of the two"
        case "found undefined alias":
            return "the alias \(Shown.quoted(lines.word(mark))) is not defined; its anchor (&name) must come before it"
        case "mapping values are not allowed in this context":
            return "not valid YAML: ': ' begins a value, and none can be here; check the indentation, or quote a text that contains ': '"
        case _ where problem.hasPrefix("Maximum nesting level"):
            return "nested too deeply for a configuration"
        case _ where problem.hasPrefix("found character") && character == "\t":
            return "not valid YAML: a tab cannot indent; use spaces"
        case _ where problem.hasPrefix("found character") && character != nil:
            return "not valid YAML: no value can begin with '\(character ?? " ")'; quote it"
        default:
            // Parts such as "while parsing a block mapping" say where libYAML was.
            let place = context.map { $0.mark.line == mark.line ? " \($0.text)" : " \($0.text) that begins in line \($0.mark.line)" }
            return "not valid YAML: \(problem)\(place ?? "")"
        }
    }
}

/// The lines of a text, as libYAML counts them.
struct TextLines {
    private(set) var lines: [[Unicode.Scalar]] = [[]]

    init(_ text: String) {
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            let isBreak = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar)
            // CR LF is one break. Breaks stay at the ends of their lines.
            if scalar == "\n" && previous == "\r" {
                lines[lines.count - 2].append(scalar)
            } else {
                lines[lines.count - 1].append(scalar)
                if isBreak { lines.append([]) }
            }
            previous = scalar
        }
    }

    /// The character at a position.
    func character(_ mark: Mark) -> Unicode.Scalar? {
        guard lines.indices.contains(mark.line - 1), lines[mark.line - 1].indices.contains(mark.column - 1) else { return nil }
        return lines[mark.line - 1][mark.column - 1]
    }

    /// The characters from a position to the next space, comma or bracket.
    func word(_ mark: Mark) -> String {
        guard character(mark) != nil else { return "" }
        let rest = lines[mark.line - 1][(mark.column - 1)...].prefix { !$0.properties.isWhitespace && !",]}".unicodeScalars.contains($0) }
        return String(String.UnicodeScalarView(rest))
    }

    /// The text with a word inserted at a position; nil if there is no such position.
    func inserting(_ word: String, at mark: Mark) -> String? {
        guard lines.indices.contains(mark.line - 1), lines[mark.line - 1].indices.contains(mark.column - 1) else { return nil }
        var changed = lines
        changed[mark.line - 1].insert(contentsOf: word.unicodeScalars, at: mark.column - 1)
        return String(String.UnicodeScalarView(changed.joined()))
    }
}

/// Finds the second of two equal keys. Yams only tells the place of the first.
private enum DuplicateKeys {
    static func problem(_ key: String, firstMark: Mark, text: String) -> YAMLProblem {
        let second = secondLine(key, firstMark, TextLines(text))
        let advice = key == "<<" ? "write one with a list: <<: [*a, *b]" : "remove one of the two"
        guard let second else {
            return YAMLProblem(line: firstMark.line, text: "key \(Shown.quoted(key)) appears twice in its section; \(advice)")
        }
        return YAMLProblem(line: second, text: "key \(Shown.quoted(key)) appears twice, first in line \(firstMark.line); \(advice)")
    }

    /// Composes the text with the first key renamed. The section that contains the renamed key contains the second key, too.
    private static func secondLine(_ key: String, _ first: Mark, _ lines: TextLines) -> Int? {
        let mark = "renamed-\(key.utf8.count)-"
        guard let renamed = lines.inserting(mark, at: first) else { return nil }
        do {
            return try Yams.compose(yaml: renamed, .default, .default, .utf8).flatMap { find(key, besides: mark, in: $0, depth: 0) }
        } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
            // The key is there three times, or another key twice.
            return keys.contains(key) ? context.mark.line : nil
        } catch {
            return nil
        }
    }

    private static func find(_ key: String, besides mark: String, in node: Node, depth: Int) -> Int? {
        guard depth < 32 else { return nil }
        if let mapping = node.mapping {
            if mapping.contains(where: { $0.key.scalar?.string.hasPrefix(mark) ?? false }) {
                return mapping.first { $0.key.scalar?.string == key }?.key.mark?.line
            }
            return mapping.lazy.compactMap { find(key, besides: mark, in: $0.value, depth: depth + 1) }.first
        }
        return node.sequence?.lazy.compactMap { find(key, besides: mark, in: $0, depth: depth + 1) }.first
    }
}
