/// What a rank does outside of its collectives. The watchdogs of all ranks receive it, and messages name it.
public enum RankPhase: String, Codable, Sendable, CaseIterable {
    case starting, loading, computing, saving, evaluating, recalibrating, finishing

    /// What a rank in this phase does, for messages, such as "saving a checkpoint".
    var activity: String {
        switch self {
        case .starting: return "starting"
        case .loading: return "loading images"
        case .computing: return "computing"
        case .saving: return "saving to the run folder"
        case .evaluating: return "evaluating"
        case .recalibrating: return "recalibrating"
        case .finishing: return "finishing"
        }
    }
}

extension Communicator {
    /// Runs `body` in a phase, and returns to the phase before. Local.
    ///
    /// - Parameters:
    ///   - phase: of this rank.
    ///   - body: what this rank does.
    public func during<Value>(_ phase: RankPhase, _ body: () throws -> Value) rethrows -> Value {
        let earlier = self.phase
        self.phase = phase
        defer { self.phase = earlier }
        return try body()
    }
}
