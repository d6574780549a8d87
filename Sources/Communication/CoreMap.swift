import Foundation

/// Which cores each rank may use, and how many threads follow from it.
public struct CoreMap {
    struct Place: Equatable {
        var host: String
        var cores: [Int]
    }

    private let places: [Place]
    /// Threads a rank as DRNET_THREADS has it; nil where it follows from the cores.
    private let wishedThreads: Int?

    /// Asks every rank. Collective.
    public static func gather(_ communicator: Communicator) throws -> CoreMap {
        let cores = AllowedCores.current().map(String.init).joined(separator: ",")
        let all = try communicator.allGatherStrings("\(communicator.hostName)|\(cores)", label: "core map")
        let places = all.map { text -> Place in
            let parts = text.split(separator: "|", omittingEmptySubsequences: false)
            return Place(host: String(parts[0]), cores: parts[1].split(separator: ",").compactMap { Int($0) })
        }
        return CoreMap(places: places, wishedThreads: try wish(ProcessInfo.processInfo.environment))
    }

    init(places: [Place], wishedThreads: Int?) {
        self.places = places
        self.wishedThreads = wishedThreads
    }

    static func wish(_ environment: [String: String]) throws -> Int? {
        guard let value = environment["DRNET_THREADS"], !value.isEmpty else { return nil }
        guard let threads = Int(value), (1...1024).contains(threads) else { throw CommunicationError.threads(value: value) }
        return threads
    }

    /// Threads of a rank: its cores, each shared fairly with the other ranks of its host that may use it; one at least.
    public func threadCount(rank: Int) -> Int {
        if let wishedThreads { return wishedThreads }
        let own = places[rank]
        let neighbours = places.filter { $0.host == own.host }
        let share = own.cores.reduce(0.0) { sum, core in
            sum + 1 / Double(neighbours.filter { $0.cores.contains(core) }.count)
        }
        return max(1, Int(share + 1e-9))
    }

    /// One line a host: its ranks, cores and threads.
    public var lines: [String] {
        hosts.map { host, ranks in
            let cores = Set(ranks.flatMap { places[$0].cores }).count
            let threads = Set(ranks.map(threadCount)).sorted().map(String.init).joined(separator: " or ")
            let names = ranks.count == 1 ? "rank \(ranks[0])" : "\(ranks.count) ranks (\(Self.ranges(ranks)))"
            return "\(host): \(names), \(cores) \(cores == 1 ? "core" : "cores"), \(threads) "
                + "\(threads == "1" ? "thread" : "threads") a rank"
        }
    }

    /// Said where some host computes with more threads than it has cores for them.
    public var oversubscriptionWarning: String? {
        let crowded = hosts.filter { _, ranks in
            ranks.reduce(0) { $0 + threadCount(rank: $1) } > Set(ranks.flatMap { places[$0].cores }).count
        }
        guard let (host, ranks) = crowded.first else { return nil }
        let threads = ranks.reduce(0) { $0 + threadCount(rank: $1) }
        return "\(host) is oversubscribed: \(ranks.count) ranks with \(threads) threads in all on "
            + "\(Set(ranks.flatMap { places[$0].cores }).count) cores; start fewer ranks there"
    }

    /// Hosts in the order of their first ranks, with their ranks.
    private var hosts: [(String, [Int])] {
        var result: [(String, [Int])] = []
        for (rank, place) in places.enumerated() {
            if let index = result.firstIndex(where: { $0.0 == place.host }) {
                result[index].1.append(rank)
            } else {
                result.append((place.host, [rank]))
            }
        }
        return result
    }

    /// 0, 1, 2, 5 → "0–2, 5".
    static func ranges(_ numbers: [Int]) -> String {
        var runs: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = runs.last, last.upperBound + 1 == number {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)" }.joined(separator: ", ")
    }
}
