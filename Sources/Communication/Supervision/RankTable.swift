/// What one rank knows about all ranks of its job, from their heartbeats.
///
/// All times are seconds of this rank's `RunningClock`.
struct RankTable {
    struct Entry {
        var state = RankState()
        /// When the last heartbeat arrived; nil before the first.
        var heardAt: Double?
        /// When the last sign of progress arrived.
        var progressAt = 0.0
        /// What this host, a rank of the other host or the network says about the process.
        var reported = RankCondition.alive
        /// When the processor time was last compared, and the share of a core that the process used before.
        fileprivate var processorMark = (seconds: 0.0, at: 0.0)
        fileprivate(set) var processorShare: Double?
    }

    let rank: Int
    private(set) var entries: [Entry]
    /// Without a heartbeat for this time, a rank counts as silent.
    var silenceSeconds = 5.0

    init(rank: Int, rankCount: Int) {
        self.rank = rank
        entries = (0..<rankCount).map { _ in Entry() }
    }

    /// Takes the state of a rank from its heartbeat, or this rank's own.
    mutating func hear(_ state: RankState, of rank: Int, at now: Double) {
        guard entries.indices.contains(rank) else { return }
        // Datagrams can arrive in another order than they were sent in.
        if entries[rank].heardAt != nil, state.progress < entries[rank].state.progress { return }
        if entries[rank].heardAt == nil || state.progress != entries[rank].state.progress { entries[rank].progressAt = now }
        entries[rank].heardAt = now
        entries[rank].state = state
        measureProcessor(rank, at: now)
    }

    /// Compares the processor time of a rank every few seconds.
    private mutating func measureProcessor(_ rank: Int, at now: Double) {
        let (mark, total) = (entries[rank].processorMark, entries[rank].state.processorSeconds)
        guard now - mark.at >= min(2, silenceSeconds / 2) else { return }
        if mark.at > 0 { entries[rank].processorShare = max(0, total - mark.seconds) / (now - mark.at) }
        entries[rank].processorMark = (total, now)
    }

    /// Records what is known about the process of a rank from other sources than its heartbeats.
    mutating func report(_ condition: RankCondition, of rank: Int) {
        if entries.indices.contains(rank) { entries[rank].reported = condition }
    }

    /// What is known about the process of a rank.
    func condition(of rank: Int, at now: Double) -> RankCondition {
        let entry = entries[rank]
        if rank == self.rank { return .alive }
        if entry.reported == .stopped || entry.reported == .dead { return entry.reported }
        guard let heardAt = entry.heardAt else { return .unheard }
        guard now - heardAt > silenceSeconds else { return .alive }
        return entry.reported == .unreachable ? .unreachable : .silent
    }

    /// The ranks that this rank waits for: those that have not entered its collective, and those that do not answer.
    func waitedFor(at now: Double) -> [Int] {
        let own = entries[rank].state
        guard own.collective != nil else { return [] }
        return entries.indices.filter { other in
            guard other != rank else { return false }
            return condition(of: other, at: now) != .alive || entries[other].state.collectives < own.collectives
        }
    }

    /// Seconds in which a rank made no progress while this rank waited.
    func stall(of other: Int, at now: Double) -> Double {
        now - max(entries[rank].progressAt, entries[other].progressAt)
    }

    /// The ranks whose limit is over; empty if all ranks are in the same collective for too long; nil if nothing is wrong.
    ///
    /// - Parameters:
    ///   - now: the present time.
    ///   - limits: seconds without progress.
    func verdict(at now: Double, _ limits: WatchdogLimits) -> [Int]? {
        guard limits.seconds > 0, entries[rank].state.collective != nil else { return nil }
        let waitedFor = waitedFor(at: now)
        if waitedFor.isEmpty {
            let last = entries.map(\.progressAt).max() ?? 0
            return now - last > limits.seconds ? [] : nil
        }
        let late = waitedFor.filter { other in
            let isSaving = entries[other].state.phase == .saving && condition(of: other, at: now) == .alive
            let limit = isSaving ? limits.savingSeconds : limits.seconds
            return limit > 0 && stall(of: other, at: now) > limit
        }
        return late.isEmpty ? nil : late
    }

    /// The rank that reports a verdict: the lowest that lives and is not part of it.
    func reporter(of verdict: [Int], at now: Double) -> Int {
        entries.indices.first { !verdict.contains($0) && condition(of: $0, at: now) == .alive } ?? rank
    }
}

/// How long ranks wait for a rank that makes no progress. 0 waits without a limit.
struct WatchdogLimits: Equatable, Sendable {
    var seconds = 0.0
    /// For a rank that saves a checkpoint.
    var savingSeconds = 0.0
}
