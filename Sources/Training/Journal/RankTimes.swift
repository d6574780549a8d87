import Foundation

/// How the ranks spent the time of some steps, in seconds. Each array has one element for each rank.
struct RankTimes: Equatable, Encodable {
    /// All that is not in the other parts. Communication that proceeds meanwhile is in this part.
    private(set) var computing: [Double] = []
    /// In collectives, until the last rank enters them.
    private(set) var waiting: [Double] = []
    /// In collectives, after the last rank has entered them.
    private(set) var communicating: [Double] = []
    /// Waiting for images.
    private(set) var loading: [Double] = []
    /// Writing checkpoints. The other ranks wait for rank 0 meanwhile.
    private(set) var saving: [Double] = []
    /// The number of collectives, the same on each rank. It is not encoded with the times.
    private(set) var collectives: Int

    /// - Parameters:
    ///   - parts: the five parts of rank 0, then those of rank 1, and so on.
    ///   - collectives: their number.
    init(parts: [Double], collectives: Int = 0) {
        self.collectives = collectives
        for rank in stride(from: 0, to: parts.count, by: 5) {
            computing.append(parts[rank])
            waiting.append(parts[rank + 1])
            communicating.append(parts[rank + 2])
            loading.append(parts[rank + 3])
            saving.append(parts[rank + 4])
        }
    }

    private static var parts: [(name: String, path: WritableKeyPath<RankTimes, [Double]>)] {
        [
            ("computing", \.computing), ("waiting", \.waiting), ("communicating", \.communicating), ("loading", \.loading),
            ("saving", \.saving),
        ]
    }

    /// Adds the times of other steps.
    mutating func add(_ other: RankTimes) {
        collectives += other.collectives
        for (_, path) in Self.parts {
            self[keyPath: path] = zip(self[keyPath: path], other[keyPath: path]).map(+)
        }
    }

    /// Milliseconds are enough for a record of many ranks.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Name.self)
        for (name, path) in Self.parts {
            try container.encode(self[keyPath: path].map { ($0 * 1000).rounded() / 1000 }, forKey: Name(name))
        }
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private func total(_ rank: Int) -> Double { Self.parts.reduce(0) { $0 + self[keyPath: $1.path][rank] } }

    /// A rank is slow if it waits by this share of the time less than the mean of the others.
    private static let notableDifference = 0.05

    /// One line: the mean shares of the parts and, where one rank or one host makes the others wait, its name.
    ///
    /// - Parameter hosts: of each rank.
    func summary(hosts: [String]) -> String {
        let ranks = computing.indices
        let whole = max(ranks.reduce(0) { $0 + total($1) }, 1e-9)
        let shares = Self.parts.filter { computing.count > 1 || !["waiting", "communicating"].contains($0.name) }.map { name, path in
            "\(name) \(Self.percent(self[keyPath: path].reduce(0, +) / whole))"
        }
        return "time of the steps: " + shares.joined(separator: ", ") + (slowest(hosts).map { "; " + $0 } ?? "")
    }

    /// The host or the rank that the others wait for, in words; nil if there is none.
    private func slowest(_ hosts: [String]) -> String? {
        let waits = computing.indices.map { waiting[$0] / max(total($0), 1e-9) }
        guard waits.count > 1, let first = waits.indices.min(by: { waits[$0] < waits[$1] }) else { return nil }
        func mean(_ ranks: [Int]) -> Double { ranks.reduce(0) { $0 + waits[$1] } / Double(max(ranks.count, 1)) }
        let host = hosts.indices.filter { hosts[$0] == hosts[first] }
        // Only a host whose ranks all wait little is slow as a whole.
        for slow in [host, [first]] where slow.count < waits.count {
            let others = waits.indices.filter { !slow.contains($0) }
            guard mean(others) - (slow.map { waits[$0] }.max() ?? 0) >= Self.notableDifference else { continue }
            let names = (slow.count == 1 ? "rank " : "ranks ") + slow.map(String.init).joined(separator: ", ")
            let isHost = slow.count == host.count
            return "\(names) on \(hosts[first]) \(slow.count == 1 ? "waits" : "wait") \(Self.percent(mean(slow))), the others "
                + "\(Self.percent(mean(others))): \(isHost ? hosts[first] : "this rank") \(reason(first))"
        }
        return nil
    }

    /// What a slow rank does more than the mean.
    private func reason(_ rank: Int) -> String {
        func excess(_ part: [Double]) -> Double { part[rank] - part.reduce(0, +) / Double(part.count) }
        let (own, load, save) = (excess(computing), excess(loading), excess(saving))
        if save > own && save > load { return "is slow in saving" }
        return load > own ? "is slow in loading images" : "is slow"
    }

    private static func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
}
