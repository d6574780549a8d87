import DynamicResolution
import Evaluation
import Foundation
import ImageData
import Inference
import Interchange

/// Reports a run: progress on the console, records in metrics.jsonl, the final table. On rank 0 only.
final class RunJournal {
    private let runFolder: RunFolder
    private let console: ProgressReporter
    private let metrics: MetricsWriter
    /// Nil unless the configuration asks for it.
    private let tensorBoard: TensorBoardJournal?
    private let resolutions: [Int]
    private let costs: ReportedCosts
    /// Steps of the run between records of single steps.
    private let stepInterval: Int
    /// Seconds an image, smoothed over about ten steps; nil before the first step.
    private var secondsPerImage: Double?
    private var remaining = RemainingTime()
    private var stage: String?
    /// Whether the epoch that ends was evaluated.
    private var isEvaluated = false
    private let evaluationInterval: Int
    private let lastStage: String?
    private let now: () -> Double

    /// - Parameters:
    ///   - costs: of the images in reports.
    ///   - stepInterval: steps of the run between records of single steps.
    ///   - evaluationInterval: epochs between evaluations.
    ///   - lastStage: the last stage that takes long; nil if it is not known.
    ///   - position: where a resumed run continues; later records are dropped. Nil for a new run.
    ///   - tensorBoard: receives all records, too.
    init(
        runFolder: RunFolder, console: ProgressReporter, resolutions: [Int], costs: ReportedCosts = .multiplyAdds, stepInterval: Int,
        evaluationInterval: Int = 1, lastStage: String? = nil, after position: MetricsWriter.Position?,
        tensorBoard: TensorBoardJournal? = nil, now: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }
    ) throws {
        self.evaluationInterval = evaluationInterval
        self.lastStage = lastStage
        self.now = now
        self.costs = costs
        self.runFolder = runFolder
        self.console = console
        self.resolutions = resolutions
        self.stepInterval = stepInterval
        metrics = try MetricsWriter(path: runFolder.metrics, after: position) { console.note("warning: \($0)") }
        self.tensorBoard = tensorBoard
        for line in metrics.keptLines { tensorBoard?.add(line) }
    }

    private func write(_ record: MetricsRecord) throws {
        let line = try metrics.write(record)
        tensorBoard?.add(line)
    }

    /// Reports a finished step.
    func record(_ event: StepEvent) throws {
        let smoothed = secondsPerImage.map { 0.9 * $0 + 0.1 * event.secondsPerImage } ?? event.secondsPerImage
        secondsPerImage = smoothed
        if stage != event.plan.name { remaining.beginStage() }
        stage = event.plan.name
        remaining.addStep(images: event.result.report.images, at: now())
        var state = ProgressState(event, resolutions: resolutions, secondsPerImage: smoothed, costs: costs)
        let epochs = event.plan.epochs - event.position.epoch
        let evaluations = (event.position.epoch + 1...max(event.plan.epochs, event.position.epoch + 1)).filter {
            $0 % evaluationInterval == 0 || $0 == event.plan.epochs
        }
        state.remainingSeconds =
            remaining.seconds(images: event.remainingImages, evaluations: evaluations.count, epochs: epochs) ?? state.remainingSeconds
        state.isLastStage = lastStage.map { $0 == event.plan.name } ?? true
        console.update(state)
        if event.position.runStep % stepInterval == 0 { try write(MetricsRecord(event, costs)) }
    }

    /// Completes the console's live line, after the last step of an epoch.
    func finishLine() {
        console.finishLine()
        remaining.beginPause(at: now())
    }

    /// Records an epoch, after its last step and its evaluation.
    ///
    /// - Parameter times: how the ranks spent the steps of the epoch; nil if this start ran none of them.
    func recordEpoch(_ sums: StepReport, times: RankTimes?, plan: StagePlan, position: TrainingPosition) throws {
        try write(MetricsRecord(epoch: sums, times: times, plan, position, costs))
        remaining.endPause(isEvaluation: isEvaluated, at: now())
        isEvaluated = false
    }

    /// Records the images that an epoch used, after its last step.
    func record(_ ledger: EpochLedger, expected: EpochLedger, plan: StagePlan, position: TrainingPosition) throws {
        try write(MetricsRecord(ledger, expected: expected, plan, position))
    }

    /// Records the evaluation after an epoch, and prints it as one line.
    func record(_ evaluation: Evaluation, plan: StagePlan, position: TrainingPosition) throws {
        try write(MetricsRecord(evaluation, plan, position))
        isEvaluated = true
        let rows = evaluation.rows.filter { $0.way != .oracle }.map { row in
            let shares = zip(resolutions, row.shares).map { "\($0) \(Figures.percent($1)) %" }.joined(separator: ", ")
            let cost = row.way == .dynamic ? " at \(Figures.threeDigits(row.classifierGFLOPs)) GFLOPs (\(shares))" : ""
            return "\(row.way.name) \(Figures.percent(row.top1)) %\(cost)"
        }
        console.note("  validation: " + rows.joined(separator: ", "))
    }

    /// Records the final evaluation, and saves its table in the run folder.
    func recordFinal(_ evaluation: Evaluation, position: TrainingPosition) throws {
        try write(MetricsRecord(final: evaluation.rows, step: position.runStep))
        tensorBoard?.end()
        try evaluation.save(to: runFolder)
    }

    /// Adds photographs with the resolutions of an evaluation to the event file for TensorBoard, if there is one.
    ///
    /// - Parameters:
    ///   - results: of all validation images.
    ///   - samples: the validation images.
    ///   - isFinal: whether this is the evaluation after the last stage.
    ///   - step: of the run.
    func show(_ results: [ImageResult], of samples: [ImageDataset.Sample], isFinal: Bool, step: Int) {
        tensorBoard?.add(results, of: samples, group: isFinal ? "final photographs at" : "photographs at", step: step)
    }

    /// Reports the end of a recalibration.
    func recalibrated(_ batches: Int, of count: Int) {
        if batches == count { console.note("recalibrated the batch-norm statistics of every resolution on \(count) batches") }
    }

    /// Writes a warning to the console and to metrics.jsonl.
    func warn(_ message: String, plan: StagePlan, position: TrainingPosition) throws {
        console.note("warning: \(message)")
        try write(MetricsRecord(message: message, plan, position))
    }

    /// Writes a line to the console.
    func event(_ message: String) throws {
        console.finishLine()
        console.note(message)
    }
}
