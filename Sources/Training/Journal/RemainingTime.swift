/// Estimates the time until the end of a stage, from the time that passed on the clock of the wall.
///
/// The durations of single steps would give too little: checkpoints are saved between steps, and epochs end with evaluations. The mean
/// covers the last minutes, so that the estimate follows a change of the resolutions or of the machine.
struct RemainingTime {
    /// A finished step.
    private struct Mark {
        var time: Double
        /// Images of all steps so far.
        var images: Double
    }

    /// The time that the mean covers, in seconds, and the number of steps that it covers at least.
    private static let (windowSeconds, leastSteps) = (180.0, 20)

    private var marks: [Mark] = []
    private var images = 0.0
    /// Time that was no part of the steps.
    private var excluded = 0.0
    private var epochEnd: Double?
    /// The end of an epoch with an evaluation, and without one; nil before the first.
    private var (evaluationSeconds, pauseSeconds): (Double?, Double?) = (nil, nil)

    /// Adds a step that ended.
    ///
    /// - Parameters:
    ///   - images: of the step.
    ///   - time: in seconds, of any clock that does not jump.
    mutating func addStep(images: Double, at time: Double) {
        self.images += images
        marks.append(Mark(time: time - excluded, images: self.images))
        while marks.count > Self.leastSteps, time - excluded - marks[0].time > Self.windowSeconds { marks.removeFirst() }
    }

    /// Records the end of an epoch's last step.
    mutating func beginPause(at time: Double) { epochEnd = time }

    /// Records the end of what follows the last step of an epoch.
    ///
    /// - Parameter isEvaluation: whether an evaluation was part of it.
    mutating func endPause(isEvaluation: Bool, at time: Double) {
        guard let began = epochEnd else { return }
        let seconds = max(time - began, 0)
        excluded += seconds
        if isEvaluation { evaluationSeconds = seconds } else { pauseSeconds = seconds }
        epochEnd = nil
    }

    /// Begins a stage: its steps have another speed, and its evaluations other ways.
    mutating func beginStage() { self = RemainingTime() }

    /// The time until the end of the stage in seconds; nil before the second step. An evaluation counts once one was measured.
    ///
    /// - Parameters:
    ///   - images: that are left.
    ///   - evaluations: that are left.
    ///   - epochs: that are left, this one included.
    func seconds(images: Double, evaluations: Int, epochs: Int) -> Double? {
        guard let first = marks.first, let last = marks.last, last.images > first.images else { return nil }
        let perImage = (last.time - first.time) / (last.images - first.images)
        return images * perImage + Double(evaluations) * (evaluationSeconds ?? 0)
            + Double(max(epochs - evaluations, 0)) * (pauseSeconds ?? 0)
    }
}
