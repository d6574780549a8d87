/// Counts the seconds in which this process could run.
///
/// A process that is suspended, or whose machine sleeps, must not conclude that the others are late. The clock is advanced by a thread that
/// looks at the time at short intervals. A longer time between two looks means that the process did not run.
struct RunningClock {
    /// Seconds since the first look.
    private(set) var seconds = 0.0
    private var last: UInt64?

    /// - Parameters:
    ///   - now: the time in nanoseconds, from any origin.
    ///   - longest: the most seconds that count since the last look.
    mutating func look(at now: UInt64, longest: Double) {
        if let last, now > last { seconds += min(Double(now - last) / 1e9, longest) }
        last = now
    }
}
