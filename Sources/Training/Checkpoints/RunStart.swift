/// How a run begins in its folder.
public enum RunStart: Equatable, Sendable {
    /// A new run. The folder must not hold one.
    case new
    /// A new run. The files of an earlier run in the folder are moved aside.
    case restart
    /// Continues from a checkpoint. A new run if the folder holds no checkpoint, and none was named.
    ///
    /// - Parameters:
    ///   - point: which checkpoint.
    ///   - acceptingDataChanges: whether the training images can differ from those of the run so far.
    case resume(from: ResumePoint, acceptingDataChanges: Bool)

    public static let resume = RunStart.resume(from: .newest, acceptingDataChanges: false)

    /// Whether the run continues an earlier one.
    public var isResume: Bool {
        if case .resume = self { return true }
        return false
    }

    /// The checkpoint that the run continues from.
    var point: ResumePoint {
        if case .resume(let point, _) = self { return point }
        return .newest
    }

    var acceptsDataChanges: Bool {
        if case .resume(_, let accepts) = self { return accepts }
        return false
    }
}

/// Which checkpoint a run continues from. After any but the newest, later checkpoints and records are moved aside.
public enum ResumePoint: Equatable, Sendable {
    /// The newest valid one.
    case newest
    /// The one that is marked as the best.
    case best
    /// The one after this number of steps of the run.
    case step(Int)
}
