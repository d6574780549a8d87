/// How a run begins in its folder.
public enum RunStart: Equatable, Sendable {
    /// A new run. The folder must not hold one.
    case new
    /// A new run. The files of an earlier run in the folder are moved aside.
    case restart
    /// Continues from the newest checkpoint. A new run if the folder holds no checkpoint.
    ///
    /// - Parameter acceptingDataChanges: whether the training images can differ from those of the run so far.
    case resume(acceptingDataChanges: Bool)

    public static let resume = RunStart.resume(acceptingDataChanges: false)

    /// Whether the run continues an earlier one.
    public var isResume: Bool {
        if case .resume = self { return true }
        return false
    }
}
