import Foundation

/// The cores that each rank can use, and the number of threads of each rank.
public struct CoreMap {
    struct Place: Equatable {
        var host: String
        var cores: [Int]
    }

    private let places: [Place]
    /// Threads of each rank from DRNET_THREADS; nil if the variable is not set and the cores decide.
    private let requestedThreads: Int?

    /// Collects the hosts and cores of all ranks. Collective.
    public static func gather(_ communicator: Communicator) throws -> CoreMap {
        let requestedThreads = try agreeOnStart(communicator) { try threadRequest(ProcessInfo.processInfo.environment) }
        let cores = AllowedCores.current().map(String.init).joined(separator: ",")
        let all = try communicator.allGatherStrings("\(communicator.hostName)|\(cores)", label: "core map")
        let places = all.map { text -> Place in
            let parts = text.split(separator: "|", omittingEmptySubsequences: false)
            return Place(host: String(parts[0]), cores: parts[1].split(separator: ",").compactMap { Int($0) })
        }
        return CoreMap(places: places, requestedThreads: requestedThreads)
    }

    /// The first collective of a job.
    static func agreeOnStart<Value>(_ communicator: Communicator, _ body: () throws -> Value) throws -> Value {
        try communicator.agree(label: "start of the job", body)
    }

    init(places: [Place], requestedThreads: Int?) {
        self.places = places
        self.requestedThreads = requestedThreads
    }

    /// The number of threads that DRNET_THREADS requests; nil if it is not set.
    static func threadRequest(_ environment: [String: String]) throws -> Int? {
        guard let value = environment["DRNET_THREADS"], !value.isEmpty else { return nil }
        guard let threads = Int(value), (1...1024).contains(threads) else { throw CommunicationError.threads(value: value) }
        return threads
    }

    /// The number of threads of a rank, at least 1.
    ///
    /// A core that n ranks of a host can use counts as 1/n for each of them. The sum over a rank's cores, rounded down, is its number of
    /// threads.
    public func threadCount(rank: Int) -> Int {
        if let requestedThreads { return requestedThreads }
        let own = places[rank]
        let neighbours = places.filter { $0.host == own.host }
        let share = own.cores.reduce(0.0) { sum, core in
            sum + 1 / Double(neighbours.filter { $0.cores.contains(core) }.count)
        }
        return max(1, Int(share + 1e-9))
    }

    /// One line for each host: its ranks, cores and threads.
    public var lines: [String] {
        hosts.map { host, ranks in
            let cores = Set(ranks.flatMap { places[$0].cores }).count
            let threads = Set(ranks.map(threadCount)).sorted().map(String.init).joined(separator: " or ")
            let names = ranks.count == 1 ? "rank \(ranks[0])" : "\(ranks.count) ranks (\(Self.ranges(ranks)))"
            return "\(host): \(names), \(cores) \(cores == 1 ? "core" : "cores"), \(threads) "
                + "\(threads == "1" ? "thread" : "threads") a rank"
        }
    }

    /// A warning about the first host that runs more threads than it has cores for its ranks; nil if there is none.
    public var oversubscriptionWarning: String? {
        let crowded = hosts.filter { _, ranks in
            ranks.reduce(0) { $0 + threadCount(rank: $1) } > Set(ranks.flatMap { places[$0].cores }).count
        }
        guard let (host, ranks) = crowded.first else { return nil }
        let threads = ranks.reduce(0) { $0 + threadCount(rank: $1) }
        return "\(host) is oversubscribed: \(ranks.count) ranks with \(threads) threads in all on "
            + "\(Set(ranks.flatMap { places[$0].cores }).count) cores; start fewer ranks there"
    }

    /// The hosts with their ranks, ordered by the first rank of each host.
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

    /// Formats sorted numbers as ranges: 0, 1, 2, 5 → "0–2, 5".
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
