/// An error that every rank throws at the same position, because it follows from values that all ranks have. Rank 0 reports it once, and
/// all ranks leave the job in the normal way.
public protocol SharedFailure: Error {}

/// A failure that all ranks of a job have agreed on.
public struct AgreedFailure: SharedFailure, Equatable, CustomStringConvertible {
    /// One line for each problem. A problem that only some ranks have names these ranks and their hosts.
    public let lines: [String]

    public var description: String { lines.joined(separator: "\n") }

    /// The failure of one rank.
    struct Part: Equatable {
        var rank: Int
        var host: String
        var text: String
    }

    /// - Parameters:
    ///   - parts: of the ranks that failed, in rank order.
    ///   - isOfAll: whether a problem concerns the job, and not the ranks that have it.
    init(_ parts: [Part], isOfAll: (_ ranks: Int) -> Bool) {
        var groups: [[Part]] = []
        for part in parts {
            if let index = groups.firstIndex(where: { $0[0].text == part.text }) {
                groups[index].append(part)
            } else {
                groups.append([part])
            }
        }
        lines = groups.flatMap { group in
            let place = isOfAll(group.count) ? "" : Self.place(group) + ": "
            return group[0].text.split(separator: "\n", omittingEmptySubsequences: true).map { place + $0 }
        }
    }

    /// Ranks and hosts, such as "ranks 4–7 on node2" or "ranks 4–11 on node2 and 1 other host".
    static func place(_ parts: [Part]) -> String {
        let ranks = (parts.count == 1 ? "rank " : "ranks ") + CoreMap.ranges(parts.map(\.rank))
        let others = Set(parts.map(\.host)).count - 1
        return "\(ranks) on \(parts[0].host)" + (others == 0 ? "" : " and \(others) other \(others == 1 ? "host" : "hosts")")
    }
}

/// A failure that another task or rank reports. The program exits with status 1 and writes nothing.
public struct ReportedFailure: Error, CustomStringConvertible {
    /// Creates the error.
    public init() {}

    public var description: String { "another rank reports the reason" }
}

extension Communicator {
    /// Runs `body` on every rank. If it fails on some rank, all ranks throw the same error. Collective; `body` itself is local.
    ///
    /// Use it for everything that can fail on single ranks before the ranks depend on each other: reading files, for example. Without it, a
    /// rank that failed would leave the others waiting in their next collective.
    ///
    /// - Parameters:
    ///   - label: what the ranks agree on, for messages about stuck collectives.
    ///   - body: must not contain a collective.
    /// - Returns: this rank's value.
    /// - Throws: `AgreedFailure` if there are several ranks; a single process throws the error of `body`.
    public func agree<Value>(label: String, _ body: () throws -> Value) throws -> Value {
        let outcome = Result { try body() }
        guard rankCount > 1 else { return try outcome.get() }
        try throwFailures(outcome, label: label) { $0 == rankCount }
        return try outcome.get()
    }

    /// Runs `body` on rank 0 only. If it fails there, all ranks throw the same error. Collective; `body` itself is local.
    ///
    /// - Parameters:
    ///   - label: what rank 0 does, for messages about stuck collectives.
    ///   - body: must not contain a collective.
    /// - Returns: the value on rank 0; nil on the other ranks.
    /// - Throws: `AgreedFailure` if there are several ranks; a single process throws the error of `body`.
    public func onRankZero<Value>(label: String, _ body: () throws -> Value) throws -> Value? {
        let outcome = Result { rank == 0 ? try body() : nil }
        guard rankCount > 1 else { return try outcome.get() }
        try throwFailures(outcome, label: label) { _ in true }
        return try outcome.get()
    }

    /// Gathers the failures of all ranks, and throws them together if there is one.
    private func throwFailures<Value>(_ outcome: Result<Value, any Error>, label: String, isOfAll: (Int) -> Bool) throws {
        var own = ""
        if case .failure(let error) = outcome { own = "\(hostName)\n\(ErrorText.describe(error))" }
        let parts = try allGatherStrings(own, label: label).enumerated().compactMap { rank, text -> AgreedFailure.Part? in
            let split = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return split.count == 2 ? AgreedFailure.Part(rank: rank, host: split[0], text: split[1]) : nil
        }
        if !parts.isEmpty { throw AgreedFailure(parts, isOfAll: isOfAll) }
    }
}
