/// The sentences about a job that the watchdog ends.
struct Verdict {
    let table: RankTable
    /// The names of the hosts, by rank.
    let hosts: [String]
    /// The ranks that the others have waited for too long; empty if all ranks are in one collective that does not end.
    let ranks: [Int]
    let now: Double

    /// No more ranks are described one by one.
    private static let most = 4

    /// One line for the job.
    var message: String { "\(ranks.isEmpty ? stuckCollective : described). The job ends; \(advice)" }

    private var described: String {
        let first = ranks.prefix(Self.most).map(description).joined(separator: "; ")
        let others = ranks.count > Self.most ? "; likewise ranks \(CoreMap.ranges(Array(ranks.dropFirst(Self.most))))" : ""
        return first + others + waiting
    }

    private func description(_ rank: Int) -> String {
        let entry = table.entries[rank]
        // The rank that reports can have seen the last sign of progress later than the rank whose limit is over.
        let seconds = Int(table.stall(of: rank, at: now).rounded())
        let place = entry.heardAt == nil ? "" : ", \(entry.state.place)"
        return "rank \(rank) on \(hosts[rank]) has made no progress for \(seconds) s\(place): \(reason(rank, entry))"
    }

    private func reason(_ rank: Int, _ entry: RankTable.Entry) -> String {
        switch table.condition(of: rank, at: now) {
        case .alive:
            guard let share = entry.processorShare else { return "its process runs, but is slow or stuck" }
            return share < 0.05
                ? "its process lives, but uses no processor time, as if it waited for a file system or a device"
                : "its process computes with \(Int((share * 100).rounded())) % of a core: it is slow, or in an endless loop"
        case .stopped: return "its process is stopped, as by SIGSTOP"
        case .dead: return "its process has ended"
        case .unreachable: return "its host cannot be reached"
        case .silent:
            let silence = Int(now - (entry.heardAt ?? 0))
            return "no heartbeat has arrived for \(silence) s: \(silentCause(rank))"
        case .unheard: return "no heartbeat has ever arrived from it, so its place is not known"
        }
    }

    /// The other ranks of the same host tell a dead or stopped process from a lost host.
    private func silentCause(_ rank: Int) -> String {
        let mates = hosts.indices.filter { $0 != rank && hosts[$0] == hosts[rank] }
        if mates.contains(where: { table.condition(of: $0, at: now) == .alive }) {
            return "its process is stopped or has ended, since its host answers"
        }
        return mates.isEmpty
            ? "its process is stopped, or its host or the link to it is down"
            : "its host or the link to it is down, since no rank of that host answers"
    }

    private var waiting: String {
        let own = table.entries[table.rank].state
        let others = table.entries.indices.filter { !ranks.contains($0) && table.entries[$0].state.collective != nil }
        guard !others.isEmpty else { return "" }
        // The collective in which most ranks wait. They can be in different ones for a moment.
        let collective = own.collective ?? table.entries[others[0]].state.collective ?? ""
        let names = others.count == 1 ? "rank \(others[0]) waits" : "ranks \(CoreMap.ranges(others)) wait"
        return "; \(names) in \(collective)"
    }

    private var stuckCollective: String {
        let own = table.entries[table.rank]
        let place = CommunicationError.place(rank: table.rank, host: hosts[table.rank], context: own.state.context)
        let seconds = Int(now - (table.entries.map(\.progressAt).max() ?? 0))
        return "\(place): \(own.state.collective ?? "a collective") has not finished after \(seconds) s, although all ranks are in it and "
            + "live: a connection between the hosts is broken or blocked"
    }

    private var advice: String {
        let alive = ranks.filter { table.condition(of: $0, at: now) == .alive }
        guard !alive.isEmpty else { return "resume from the last checkpoint" }
        let isSaving = alive.contains { table.entries[$0].state.phase == .saving }
        return "resume from the last checkpoint, or raise communication.\(isSaving ? "saveTimeoutSeconds" : "timeoutSeconds")"
    }
}
