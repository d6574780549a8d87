extension Figures {
    /// Joins a list for a message, and cuts it: "a, b, c and 997 more".
    ///
    /// - Parameters:
    ///   - items: in the order in which they are shown.
    ///   - limit: the largest number of items that are shown.
    package static func list(_ items: some Collection<String>, limit: Int = 10, separator: String = ", ") -> String {
        let shown = items.prefix(limit).joined(separator: separator)
        return items.count > limit ? "\(shown) and \(items.count - limit) more" : shown
    }

    /// Describes how a list of names differs from an expected one: "new: d; missing: a, b".
    package static func difference(_ names: [String], from expected: [String]) -> String {
        let (known, found) = (Set(expected), Set(names))
        let parts = [("new", names.filter { !known.contains($0) }), ("missing", expected.filter { !found.contains($0) })]
            .filter { !$0.1.isEmpty }.map { "\($0.0): \(list($0.1))" }
        return parts.isEmpty ? "another order" : parts.joined(separator: "; ")
    }
}
