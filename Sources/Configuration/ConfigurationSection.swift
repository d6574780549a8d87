import Yams

/// One mapping of a configuration. Methods that read a value report a missing or wrong value to the document and return a default instead,
/// so that one pass finds all problems.
final class ConfigurationSection {
    private let document: ConfigurationDocument
    private let mapping: Node.Mapping
    private let mark: Mark?
    private let path: String
    private var known: [String] = []

    init(document: ConfigurationDocument, node: Node?, path: String) {
        self.document = document
        self.path = path
        mark = node?.mark
        mapping = node?.mapping ?? .init([])
        if let node, node.mapping == nil { report(nil, "takes a section of keys, not \(Self.describe(node))") }
    }

    // MARK: - Values

    /// A whole number. A key without a default is required.
    func integer(_ key: String, default value: Int? = nil, _ range: ClosedRange<Int>) -> Int {
        guard let node = required(key, value == nil) else { return value ?? range.lowerBound }
        guard let number = node.plain.flatMap({ Int($0) }) else {
            return fail(key, "takes a whole number, not \(Self.describe(node))", value ?? range.lowerBound)
        }
        guard range.contains(number) else { return fail(key, "is \(number); \(Self.allowed(range))", range.lowerBound) }
        return number
    }

    /// A finite number. A key without a default is required.
    func number(_ key: String, default value: Double? = nil, _ range: NumberRange) -> Double {
        guard let node = required(key, value == nil) else { return value ?? range.example }
        return number(node, key, range)
    }

    /// A finite number that is the value of a node.
    func number(_ node: Node, _ key: String, _ range: NumberRange) -> Double {
        guard let number = node.plain.flatMap({ Double($0) }), number.isFinite else {
            return fail(key, "takes a number, not \(Self.describe(node))", range.example)
        }
        guard range.contains(number) else {
            return fail(key, "is \(ConfigurationText.number(number)); allowed is \(range.description)", range.example)
        }
        return number
    }

    /// `true` or `false`.
    func boolean(_ key: String, default value: Bool) -> Bool {
        guard let node = required(key, false) else { return value }
        switch node.plain {
        case "true": return true
        case "false": return false
        default: return fail(key, "takes true or false, not \(Self.describe(node))", value)
        }
    }

    /// A required text.
    func text(_ key: String) -> String {
        optionalText(key, isRequired: true) ?? ""
    }

    /// A text; nil if the key is missing or null.
    func optionalText(_ key: String, isRequired: Bool = false) -> String? {
        guard let node = required(key, isRequired) else { return nil }
        guard let text = node.scalar?.string, !text.isEmpty else {
            return fail(key, "takes a text, not \(Self.describe(node))", nil)
        }
        return text
    }

    /// The raw value of an enum's case. A key without a default is required.
    func choice<Value: RawRepresentable & CaseIterable>(_ key: String, default value: Value? = nil) -> Value
    where Value.RawValue == String {
        let all = Array(Value.allCases)
        guard let node = required(key, value == nil) else { return value ?? all[0] }
        if let chosen = node.scalar.flatMap({ Value(rawValue: $0.string) }) { return chosen }
        return fail(key, "is \(Self.describe(node)); allowed are \(all.map(\.rawValue).joined(separator: ", "))", all[0])
    }

    /// A list of `count` numbers.
    func numbers(_ key: String, default value: [Double], count: Int, _ range: NumberRange) -> [Double] {
        guard let node = required(key, false) else { return value }
        guard let list = node.sequence, list.count == count else {
            return fail(key, "takes a list of \(count) numbers, not \(Self.describe(node))", value)
        }
        return list.map { number($0, key, range) }
    }

    /// A list of whole numbers, not empty. A key without a default is required.
    func integers(_ key: String, default value: [Int]? = nil, _ range: ClosedRange<Int>) -> [Int] {
        guard let node = required(key, value == nil) else { return value ?? [range.lowerBound] }
        guard let list = node.sequence, !list.isEmpty else {
            return fail(key, "takes a list of whole numbers, not \(Self.describe(node))", [range.lowerBound])
        }
        return list.map { item in
            guard let number = item.plain.flatMap({ Int($0) }), range.contains(number) else {
                return fail(key, "holds \(Self.describe(item)); each is a whole number, \(Self.allowed(range))", range.lowerBound)
            }
            return number
        }
    }

    // MARK: - Sections

    /// A section. If it is missing, all its keys have their defaults, and required keys are reported.
    func section(_ key: String) -> ConfigurationSection {
        ConfigurationSection(document: document, node: value(key), path: full(key))
    }

    /// A section; nil if it is missing or null.
    func optionalSection(_ key: String) -> ConfigurationSection? {
        value(key).map { ConfigurationSection(document: document, node: $0, path: full(key)) }
    }

    /// The node of a key; nil if the key is missing or null. Marks the key as known.
    func value(_ key: String) -> Node? {
        known.append(key)
        guard let node = mapping[Node(key)] else { return nil }
        return ["null", "~", ""].contains(node.plain) ? nil : node
    }

    /// Reports a problem with a key, or with the section for nil.
    ///
    /// - Parameter problem: the end of the sentence, such as "is missing".
    func report(_ key: String?, _ problem: String) {
        let node = key.flatMap { mapping[Node($0)] }
        let name = key.map(full) ?? path
        document.report(name, at: node?.mark ?? mark, problem)
    }

    /// Reports unknown keys. Call it after all keys were read.
    func finish() {
        for (node, value) in mapping {
            let key = node.scalar?.string ?? Self.describe(node)
            guard !known.contains(key) else { continue }
            let close = known.min { EditDistance.between($0, key) < EditDistance.between($1, key) }
            let hint = close.flatMap { EditDistance.between($0, key) <= max(2, key.count / 3) ? "; did you mean '\($0)'?" : nil }
            document.report(
                full(key), at: node.mark ?? value.mark, "is unknown\(hint ?? "; allowed here are \(known.joined(separator: ", "))")")
        }
    }

    private func required(_ key: String, _ isRequired: Bool) -> Node? {
        let node = value(key)
        if node == nil && isRequired { report(key, "is missing") }
        return node
    }

    private func fail<Value>(_ key: String, _ problem: String, _ value: Value) -> Value {
        report(key, problem)
        return value
    }

    private func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private static func allowed(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    }

    /// A node in words, for messages.
    static func describe(_ node: Node) -> String {
        if let scalar = node.scalar { return "'\(scalar.string)'" }
        if let list = node.sequence { return "a list of \(list.count)" }
        return "a section"
    }
}

extension Node {
    /// The text of a scalar that is not quoted.
    fileprivate var plain: String? {
        guard let scalar, scalar.style == .plain || scalar.style == .any else { return nil }
        return scalar.string
    }
}
