/// A result of `drnet doctor`.
public struct Finding: Equatable, Sendable {
    public enum Level: String, Sendable {
        /// As it should be.
        case ok
        /// A run works, but slower or less safely than it could.
        case warning
        /// A run would end.
        case error
    }

    public var level: Level
    /// What was examined.
    public var topic: String
    /// What was found.
    public var text: String
    /// What to do; nil where there is nothing to do.
    public var advice: String?

    /// - Parameters:
    ///   - level: how bad it is.
    ///   - topic: what was examined.
    ///   - text: what was found.
    ///   - advice: what to do; nil where there is nothing to do.
    public init(_ level: Level, _ topic: String, _ text: String, advice: String? = nil) {
        self.level = level
        self.topic = topic
        self.text = text
        self.advice = advice
    }

    /// One line for the finding, and one for the advice.
    public var lines: [String] {
        let head = "\(level.rawValue.padding(to: 8)) \(topic): \(text)"
        return [head] + (advice.map { ["".padding(to: 8) + " → \($0)"] } ?? [])
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
