/// The reference of all keys, from their declarations. docs/configuration.md contains it in parts.
package struct ConfigurationReference {
    /// In the order of reading.
    package let keys: [KeyDescription]
    /// When a key can change, by its name.
    private let change: (String) -> String

    /// A configuration with all sections, so that all keys are read.
    private static let everySection = """
        resolutions: [224, 168, 112]
        data: {folder: photos}
        classifier: {architecture: resnet50}
        policy: {temperature: {start: 1, end: 1}}
        optimizer: {batchSize: 256}
        stages:
          warmUp: {epochs: 1, learningRate: {base: 0.1}}
          fineTune: {epochs: 1, learningRate: {base: 0.1}}
          recalibrate: {}
        """

    /// Both training stages have these keys, and the reference has them once.
    private static let schedules = (
        first: "stages.warmUp.learningRate.", second: "stages.fineTune.learningRate.", common: "learningRate."
    )

    /// - Parameter change: when a run can change a key, in words.
    package init(change: @escaping (String) -> String) {
        self.change = change
        keys = TrainingConfiguration.keys(readIn: Self.everySection).filter { !$0.key.hasPrefix(Self.schedules.second) }.map {
            description in
            var description = description
            if description.key.hasPrefix(Self.schedules.first) {
                description.key = Self.schedules.common + description.key.dropFirst(Self.schedules.first.count)
            }
            return description
        }
    }

    /// The keys of some sections.
    ///
    /// - Parameter sections: such as "data", with the sections inside of it. "top" stands for the keys outside of all sections.
    package func keys(in sections: [String]) -> [KeyDescription] {
        sections.flatMap { section in
            keys.filter { section == "top" ? !$0.key.contains(".") : $0.key == section || $0.key.hasPrefix(section + ".") }
        }
    }

    /// A table in Markdown.
    package func table(of keys: [KeyDescription]) -> String {
        let rows = keys.map { key in
            let cells = ["`\(key.key)`", key.values, key.defaultText, change(Self.fullName(key.key)), key.about]
            return "| \(cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ")) |"
        }
        return (["| key | values | default | can change | meaning |", "|---|---|---|---|---|"] + rows).joined(separator: "\n")
    }

    /// Lines for a terminal.
    package func text(of keys: [KeyDescription]) -> String {
        keys.map { key in
            """
            \(key.key)
                values:     \(key.values.replacing("`", with: ""))
                default:    \(key.defaultText.replacing("`", with: ""))
                can change: \(change(Self.fullName(key.key)))
                \(key.about.replacing("`", with: ""))
            """
        }.joined(separator: "\n\n")
    }

    private static func fullName(_ key: String) -> String {
        key.hasPrefix(schedules.common) ? schedules.second + key.dropFirst(schedules.common.count) : key
    }

    // MARK: - The page

    /// The lines around a table, in HTML comments.
    private static let (begin, beginEnd, end) = ("<!-- keys: ", " -->", "<!-- end of keys -->")

    /// A page with its tables renewed. The text between the tables stays.
    ///
    /// - Throws: `ReferenceError` if the marks of the tables do not fit the keys.
    package func renewed(_ page: String) throws(ReferenceError) -> String {
        var (lines, shown, isInside): ([String], [String], Bool) = ([], [], false)
        for line in page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix(Self.begin) && line.hasSuffix(Self.beginEnd) {
                guard !isInside else { throw ReferenceError("the table before '\(line)' has no end") }
                isInside = true
                let sections = line.dropFirst(Self.begin.count).dropLast(Self.beginEnd.count).split(separator: " ")
                let keys = keys(in: sections.map(String.init))
                guard !keys.isEmpty else { throw ReferenceError("'\(line)' names no section") }
                shown += keys.map(\.key)
                lines += [line, table(of: keys)]
            } else if line == Self.end {
                isInside = false
                lines.append(line)
            } else if !isInside {
                lines.append(line)
            }
        }
        guard !isInside else { throw ReferenceError("the last table has no end") }
        guard shown.sorted() == keys.map(\.key).sorted() else {
            let missing = Set(keys.map(\.key)).subtracting(shown).sorted()
            throw ReferenceError(missing.isEmpty ? "a section has two tables" : "no table has \(missing.joined(separator: ", "))")
        }
        return lines.joined(separator: "\n")
    }
}

/// A page whose marks do not fit the keys.
package struct ReferenceError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

extension TrainingConfiguration {
    /// The keys that a text reads, with their descriptions.
    fileprivate static func keys(readIn text: String) -> [KeyDescription] {
        guard let document = try? ConfigurationDocument(text, path: "reference", overrides: []) else {
            preconditionFailure("the reference's own configuration cannot be read")
        }
        _ = TrainingConfiguration(document.section())
        return document.keys
    }
}
