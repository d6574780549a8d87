/// One mapping of a configuration. Methods that read a value report a missing or wrong value to the document and return a default instead,
/// so that one pass finds all problems.
///
/// Methods with `about` also declare the key for the reference (`ConfigurationReference`): its values, its default, and what it means, in
/// Markdown. `defaultText` describes a default that depends on other keys.
final class ConfigurationSection {
    private let document: ConfigurationDocument
    private let node: ConfigurationNode
    private let line: Int?
    private let path: String
    private var known: [String] = []

    /// - Parameters:
    ///   - node: the section; nil if it is missing.
    ///   - line: of its key; nil to take the line of its first key.
    ///   - path: its full name.
    init(document: ConfigurationDocument, node: ConfigurationNode?, line: Int? = nil, path: String) {
        self.document = document
        self.path = path
        self.line = line ?? node?.line
        self.node = node?.entries == nil ? .empty : node ?? .empty
        if let node, node.entries == nil { report(nil, "takes a section of keys, not \(node.description)") }
    }

    // MARK: - Values

    /// A whole number. A key without a default is required.
    func integer(_ key: String, default value: Int? = nil, _ range: ClosedRange<Int>, defaultText: String? = nil, about: String? = nil)
        -> Int
    {
        declare(key, ValueText.range(range), defaultText ?? value.map(String.init), about)
        guard let node = required(key, value == nil) else { return value ?? range.lowerBound }
        switch ScalarReading.integer(node) {
        case .problem(let hint): return fail(key, "takes a whole number, not \(node.description)\(hint)", value ?? range.lowerBound)
        case .value(let number) where range.contains(number): return number
        case .value(let number): return fail(key, "is \(number); \(Self.allowed(range))", range.lowerBound)
        }
    }

    /// A finite number. A key without a default is required.
    func number(
        _ key: String, default value: Double? = nil, _ range: NumberRange, defaultText: String? = nil, about: String? = nil
    ) -> Double {
        declare(key, ValueText.range(range), defaultText ?? value.map(ConfigurationText.number), about)
        guard let node = required(key, value == nil) else { return value ?? range.example }
        return number(node, key, range)
    }

    /// A finite number; nil if the key is missing or null.
    func optionalNumber(_ key: String, _ range: NumberRange, defaultText: String, about: String) -> Double? {
        declare(key, ValueText.range(range), defaultText, about)
        return value(key).map { number($0, key, range) }
    }

    /// A finite number that is the value of a node.
    func number(_ node: ConfigurationNode, _ key: String, _ range: NumberRange) -> Double {
        switch ScalarReading.number(node) {
        case .problem(let hint): return fail(key, "takes a number, not \(node.description)\(hint)", range.example)
        case .value(let number) where range.contains(number): return number
        case .value(let number):
            return fail(key, "is \(ConfigurationText.number(number)); allowed is \(range.description)", range.example)
        }
    }

    /// `true` or `false`.
    func boolean(_ key: String, default value: Bool, defaultText: String? = nil, about: String? = nil) -> Bool {
        declare(key, ValueText.boolean, defaultText ?? String(value), about)
        guard let node = required(key, false) else { return value }
        switch ScalarReading.boolean(node) {
        case .value(let flag): return flag
        case .problem(let hint): return fail(key, "takes true or false, not \(node.description)\(hint)", value)
        }
    }

    /// A required text.
    func text(_ key: String, about: String? = nil) -> String {
        optionalText(key, isRequired: true, about: about) ?? ""
    }

    /// A text; nil if the key is missing or null.
    func optionalText(_ key: String, isRequired: Bool = false, about: String? = nil) -> String? {
        declare(key, ValueText.text, isRequired ? nil : "none", about)
        guard let node = required(key, isRequired) else { return nil }
        guard let text = node.text, !text.isEmpty else { return fail(key, "takes a text, not \(node.description)", nil) }
        // System calls would take the part before it.
        guard !text.unicodeScalars.contains("\0") else { return fail(key, "has a NUL character", nil) }
        return text
    }

    /// The raw value of an enum's case. A key without a default is required.
    func choice<Value: RawRepresentable & CaseIterable>(
        _ key: String, default value: Value? = nil, defaultText: String? = nil, about: String? = nil
    ) -> Value where Value.RawValue == String {
        let all = Array(Value.allCases)
        declare(key, ValueText.choice(all.map(\.rawValue)), defaultText ?? value?.rawValue, about)
        guard let node = required(key, value == nil) else { return value ?? all[0] }
        if let chosen = node.text.flatMap({ Value(rawValue: $0) }) { return chosen }
        return fail(key, "is \(node.description); allowed are \(all.map(\.rawValue).joined(separator: ", "))", all[0])
    }

    /// The raw value of an enum's case; nil if the key is missing or null.
    func optionalChoice<Value: RawRepresentable & CaseIterable>(
        _ key: String, defaultText: String = "none", about: String
    ) -> Value? where Value.RawValue == String {
        declare(key, ValueText.choice(Value.allCases.map(\.rawValue)), defaultText, about)
        return value(key) == nil ? nil : choice(key)
    }

    /// A list of `count` numbers.
    func numbers(_ key: String, default value: [Double], count: Int, _ range: NumberRange, about: String? = nil) -> [Double] {
        let list = "[\(value.map(ConfigurationText.number).joined(separator: ", "))]"
        declare(key, "\(count) numbers, each \(ValueText.range(range))", list, about)
        guard let node = required(key, false) else { return value }
        guard let list = node.list, list.count == count else {
            return fail(key, "takes a list of \(count) numbers, not \(node.description)", value)
        }
        return list.map { number($0, key, range) }
    }

    /// A number or a list of numbers, not empty.
    func numberOrList(_ key: String, default value: Double, _ range: NumberRange, about: String? = nil) -> [Double] {
        declare(key, "a number or a list, each \(ValueText.range(range))", ConfigurationText.number(value), about)
        guard let node = required(key, false) else { return [value] }
        guard let list = node.list else { return [number(node, key, range)] }
        guard !list.isEmpty else { return fail(key, "takes a number or a list of numbers, not \(node.description)", [value]) }
        return list.map { number($0, key, range) }
    }

    /// A list of whole numbers. A key without a default is required. The list can be empty only if the default is.
    func integers(_ key: String, default value: [Int]? = nil, _ range: ClosedRange<Int>, about: String? = nil) -> [Int] {
        declare(key, "a list, each \(ValueText.range(range))", value.map { "\($0)" }, about)
        guard let node = required(key, value == nil) else { return value ?? [range.lowerBound] }
        guard let list = node.list, !list.isEmpty || value == [] else {
            return fail(key, "takes a list of whole numbers, not \(node.description)", [range.lowerBound])
        }
        return list.map { item in
            let result = ScalarReading.integer(item)
            if case .value(let number) = result, range.contains(number) { return number }
            var hint = ""
            if case .problem(let words) = result { hint = words }
            return fail(key, "holds \(item.description)\(hint); each is a whole number, \(Self.allowed(range))", range.lowerBound)
        }
    }

    /// Declares a key for the reference, if there is a text about it.
    ///
    /// - Parameters:
    ///   - key: that is read.
    ///   - values: that it takes.
    ///   - defaultText: nil if the key is required.
    ///   - about: what it means.
    func declare(_ key: String, _ values: String, _ defaultText: String?, _ about: String?) {
        guard let about else { return }
        document.declare(KeyDescription(key: full(key), values: values, defaultText: defaultText ?? "required", about: about))
    }

    // MARK: - Sections

    /// A section. If it is missing, all its keys have their defaults, and required keys are reported.
    func section(_ key: String) -> ConfigurationSection {
        ConfigurationSection(document: document, node: value(key), line: node[key]?.line ?? line, path: full(key))
    }

    /// A section; nil if it is missing or null.
    func optionalSection(_ key: String) -> ConfigurationSection? {
        value(key).map { ConfigurationSection(document: document, node: $0, line: node[key]?.line ?? line, path: full(key)) }
    }

    /// The node of a key; nil if the key is missing or null. Marks the key as known.
    func value(_ key: String) -> ConfigurationNode? {
        if !known.contains(key) { known.append(key) }
        guard let value = node[key]?.value else { return nil }
        return value.isNull ? nil : value
    }

    /// Reports a problem with a key, or with the section for nil.
    ///
    /// - Parameter problem: the end of the sentence, such as "is missing".
    func report(_ key: String?, _ problem: String) {
        document.report(key.map(full) ?? path, at: key.flatMap { node[$0]?.line } ?? line, problem)
    }

    /// Reports unknown keys. Call it after all keys were read.
    func finish() {
        for entry in node.entries ?? [] where !known.contains(entry.key) {
            let key = String(entry.key.prefix(40))
            let close = known.min { EditDistance.between($0, key) < EditDistance.between($1, key) }
            let hint = close.flatMap { EditDistance.between($0, key) <= max(2, key.count / 3) ? "; did you mean '\($0)'?" : nil }
            document.report(full(entry.key), at: entry.line, "is unknown\(hint ?? "; allowed here are \(known.joined(separator: ", "))")")
        }
    }

    private func required(_ key: String, _ isRequired: Bool) -> ConfigurationNode? {
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
}
