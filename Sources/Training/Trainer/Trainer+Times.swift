import Communication

/// The times of the ranks that are settled.
struct SettledTimes {
    private var epoch: RankTimes?
    /// Of all steps of this start.
    private(set) var run: RankTimes?

    mutating func add(_ times: RankTimes) {
        if epoch?.add(times) == nil { epoch = times }
        if run?.add(times) == nil { run = times }
    }

    /// The times since the last call; nil if there are none.
    mutating func takeEpoch() -> RankTimes? {
        defer { epoch = nil }
        return epoch
    }
}

extension Trainer {
    /// Ends an interval of the clock. Collective.
    @discardableResult
    func settleTimes() throws -> RankTimes {
        let times = try exchange.clock.settle(communicator)
        self.times.add(times)
        return times
    }

    /// Prints how the ranks spent the time of the steps, in one line. Collective.
    func reportTimes() throws {
        guard times.run != nil else { return }
        try settleTimes()
        let hosts = try communicator.allGatherStrings(communicator.hostName, label: "hosts of the ranks")
        if let run = times.run { try journal?.event(run.summary(hosts: hosts)) }
    }
}
