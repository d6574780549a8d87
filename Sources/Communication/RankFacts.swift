import Foundation

/// A property of a rank that must, or should, be the same on all ranks: a key of the configuration, a version, a count.
public struct RankFact: Codable, Equatable, Sendable {
    /// What the property is, such as `optimizer.batchSize`.
    public var name: String
    /// Its value on this rank.
    public var value: String

    /// - Parameters:
    ///   - name: what the property is.
    ///   - value: its value on this rank.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// Ranks differ in something that must be the same on all of them. All ranks throw it, and rank 0 reports it.
public struct RankDifferences: SharedFailure, Equatable, CustomStringConvertible {
    /// One line for each difference.
    public let lines: [String]

    public var description: String { lines.joined(separator: "\n") }
}

extension Communicator {
    /// Refuses ranks whose facts differ. Collective.
    ///
    /// - Parameters:
    ///   - facts: of this rank. The names can differ between ranks.
    ///   - subject: begins each line of the error, such as "the configuration".
    ///   - remedy: a sentence about what to do, without a full stop; ends the error.
    ///   - label: for messages about stuck collectives.
    /// - Throws: `RankDifferences` on all ranks.
    public func requireSame(_ facts: [RankFact], subject: String, remedy: String, label: String) throws {
        let differences = try differences(in: facts, label: label)
        guard !differences.isEmpty else { return }
        var lines = differences.map { "the ranks differ in \(subject): \($0)" }
        lines[lines.count - 1] += ". \(remedy)"
        throw RankDifferences(lines: lines)
    }

    /// Compares facts between the ranks. Collective.
    ///
    /// The ranks first exchange digests of a fixed size. They exchange the facts themselves only if the digests differ, so that the usual
    /// case costs 16 bytes a rank, and so that the sizes of the collectives never depend on what is compared.
    ///
    /// - Parameters:
    ///   - facts: of this rank. The names can differ between ranks.
    ///   - label: for messages about stuck collectives.
    /// - Returns: one sentence for each fact that differs, with its values and the ranks that have them; the same on all ranks. At most
    ///   `RankFact.longestList`, and one that counts the others.
    public func differences(in facts: [RankFact], label: String) throws -> [String] {
        guard rankCount > 1 else { return [] }
        let all = try gatherFixed([FactDigest(facts).value, UInt64(facts.count)], label: label)
        guard all.contains(where: { $0 != all[0] }) else { return [] }
        let parts = try allGatherStrings(hostName + "\n" + FactText.encode(facts), label: label)
            .map { $0.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init) }
        return RankFact.differences(parts.map { FactText.decode($0[1]) }, hosts: parts.map { $0[0] })
    }
}

extension RankFact {
    /// The largest number of differences that a message lists.
    static let longestList = 12
    /// The largest number of characters of a value in a message.
    private static let longestValue = 80

    /// Sentences about the facts that differ; see `Communicator.differences(in:label:)`.
    ///
    /// - Parameters:
    ///   - ranks: the facts of each rank.
    ///   - hosts: of the ranks.
    static func differences(_ ranks: [[RankFact]], hosts: [String]) -> [String] {
        let values = ranks.map { Dictionary($0.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }) }
        var seen: Set<String> = []
        let names = ranks.joined().map(\.name).filter { seen.insert($0).inserted }
        let sentences = names.compactMap { name in
            RankGroups(values.map { $0[name] }, hosts: hosts).sentence.map { "\(name) is \($0)" }
        }
        guard sentences.count > longestList else { return sentences }
        return sentences.prefix(longestList) + ["\(sentences.count - longestList) more"]
    }

    /// A value in a message.
    fileprivate static func shown(_ value: String?) -> String {
        guard let value else { return "not set" }
        return value.count > longestValue ? value.prefix(longestValue) + "…" : value
    }
}

/// Ranks with equal values, the largest group first. Among groups of the same size, the one with the lowest rank comes first.
public struct RankGroups<Value: Hashable & Sendable>: Sendable {
    /// A value and the ranks that have it, in rank order.
    public var groups: [(value: Value, ranks: [Int])]
    private let hosts: [String]

    /// - Parameters:
    ///   - values: of each rank.
    ///   - hosts: of each rank.
    public init(_ values: [Value], hosts: [String]) {
        self.hosts = hosts
        groups = Dictionary(grouping: values.indices, by: { values[$0] }).map { ($0.key, $0.value) }
            .sorted { ($1.ranks.count, $0.ranks[0]) < ($0.ranks.count, $1.ranks[0]) }
    }

    /// Whether all ranks have the same value.
    public var isEqual: Bool { groups.count == 1 }

    /// Whether more than half of the ranks have the value of the first group.
    public var hasMajority: Bool { 2 * groups[0].ranks.count > groups.reduce(0) { $0 + $1.ranks.count } }

    /// Ranks and their hosts, such as "ranks 4–7 on node2".
    ///
    /// - Parameter group: an index in `groups`.
    public func place(_ group: Int) -> String {
        AgreedFailure.place(groups[group].ranks.map { AgreedFailure.Part(rank: $0, host: hosts[$0], text: "") })
    }
}

extension RankGroups where Value == String {
    /// The value, or all values with their ranks, such as "16 on ranks 0–2 on node1; 12 on rank 3 on node2".
    public var text: String {
        isEqual ? groups[0].value : groups.indices.map { "\(groups[$0].value) on \(place($0))" }.joined(separator: "; ")
    }
}

extension Communicator {
    /// Gathers one value of each rank, and groups the ranks by it. Collective.
    ///
    /// - Parameters:
    ///   - value: of this rank.
    ///   - label: for messages about stuck collectives.
    public func groupRanks(by value: String, label: String) throws -> RankGroups<String> {
        let hosts = try allGatherStrings(hostName, label: "hosts of the ranks")
        return RankGroups(try allGatherStrings(value, label: label), hosts: hosts)
    }
}

extension RankGroups where Value == String? {
    /// The values and their ranks, such as "16 on ranks 0–2 on node1, but 12 on rank 3 on node2"; nil if all ranks have the same.
    var sentence: String? {
        guard groups.count > 1 else { return nil }
        let parts = groups.indices.prefix(4).map { "\(RankFact.shown(groups[$0].value)) on \(place($0))" }
        let more = groups.count > parts.count ? ", and others" : ""
        return parts[0] + ", but " + parts.dropFirst().joined(separator: ", ") + more
    }
}

/// The FNV-1a hash of facts.
private struct FactDigest {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    init(_ facts: [RankFact]) {
        for fact in facts {
            add(fact.name)
            add(fact.value)
        }
    }

    /// The byte 0xFF, which UTF-8 does not contain, separates texts.
    private mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
        add(0xFF)
    }

    private mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01B3
    }
}

/// Facts as text, for the exchange.
private enum FactText {
    static func encode(_ facts: [RankFact]) -> String {
        (try? JSONEncoder().encode(facts)).map { String(decoding: $0, as: UTF8.self) } ?? "[]"
    }

    static func decode(_ text: String) -> [RankFact] {
        (try? JSONDecoder().decode([RankFact].self, from: Data(text.utf8))) ?? []
    }
}
