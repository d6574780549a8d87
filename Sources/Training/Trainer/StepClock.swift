import Communication
import Dispatch

/// Measures how this rank spends the time of its steps.
///
/// Hosts have different clocks, so only durations are compared. Every rank runs the same collectives in the same order. The rank that
/// enters a collective last does not wait for others: its time in the collective is the shortest, and is the time of the communication.
/// What another rank spends longer in this collective, it waits. Two small collectives per interval find this out (`settle`); a step has
/// none for it.
final class StepClock {
    /// Seconds in each collective since the last settlement.
    private var collectives: [Double] = []
    private var (loading, saving, elapsed) = (0.0, 0.0, 0.0)
    /// When the running measurement began; nil while the clock is stopped.
    private var start: UInt64?

    /// Starts the clock; it measures nothing before.
    func run() { start = start ?? Self.now }

    /// Stops the clock.
    func stop() {
        if let start { elapsed += Self.seconds(since: start) }
        start = nil
    }

    /// Runs a collective, and records its duration while the clock runs.
    func collective<Value>(_ body: () throws -> Value) rethrows -> Value {
        let start = Self.now
        let value = try body()
        if self.start != nil { collectives.append(Self.seconds(since: start)) }
        return value
    }

    /// Records time in which the step waited for images.
    func addLoading(_ seconds: Double) { loading += seconds }

    /// Writes a checkpoint, and records the duration while the clock runs.
    func save(_ body: () throws -> Void) rethrows {
        let start = Self.now
        try body()
        if self.start != nil { saving += Self.seconds(since: start) }
    }

    /// Ends an interval: divides the time since the last settlement, and collects the result of every rank. Collective.
    func settle(_ communicator: Communicator) throws -> RankTimes {
        let isRunning = start != nil
        stop()
        if isRunning { run() }
        let own = collectives.reduce(0, +)
        var shortest = collectives
        try communicator.allReduceMin(&shortest, label: "times of collectives")
        let communicating = shortest.reduce(0, +)
        let parts = [max(elapsed - own - loading - saving, 0), own - communicating, communicating, loading, saving]
        let count = collectives.count
        (loading, saving, elapsed, collectives) = (0, 0, 0, [])
        let all = try communicator.gatherFixed(parts, label: "times of the ranks").flatMap { $0 }
        return RankTimes(parts: all, collectives: count)
    }

    private static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }
    private static func seconds(since start: UInt64) -> Double { Double(now - start) / 1e9 }
}
