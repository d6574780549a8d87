import DynamicResolution
import Foundation
import Interchange

/// What a run tells: progress on the console, records in metrics.jsonl, the final table. On rank 0 only.
final class RunJournal {
    private let runFolder: RunFolder
    private let console: ProgressReporter
    private let metrics: MetricsWriter
    private let resolutions: [Int]
    /// Seconds an image, smoothed over some ten steps.
    private var imageSeconds: Double?

    /// - Parameter afterStep: the step that a resumed run continues after; records of later ones are dropped. Nil for a new run.
    init(runFolder: RunFolder, console: ProgressReporter, resolutions: [Int], afterStep: Int?) throws {
        self.runFolder = runFolder
        self.console = console
        self.resolutions = resolutions
        metrics = try MetricsWriter(path: runFolder.metrics, afterStep: afterStep ?? 0)
    }

    /// After each step: `position` points behind it.
    func record(
        _ result: StepResult, epochSums: StepReport, policy: PolicyState?, plan: StagePlan, position: TrainingPosition, steps: Int,
        seconds: Double, waitingSeconds: Double, writesRecord: Bool
    ) throws {
        let rate = result.report.images / max(seconds, 1e-9)
        let latest = seconds / max(result.report.images, 1)
        let smoothed = imageSeconds.map { 0.9 * $0 + 0.1 * latest } ?? latest
        imageSeconds = smoothed
        let stepsLeft = Double((plan.epochs - position.epoch) * steps - position.step)
        let imagesPerStep = epochSums.images / Double(position.step)
        console.update(
            ProgressState(
                stage: plan.name, epoch: position.epoch + 1, epochs: plan.epochs, step: position.step, steps: steps,
                imagesPerSecond: 1 / max(smoothed, 1e-9), loss: epochSums.meanLoss,
                accuracy: epochSums.accuracy, gigaFLOPs: plan.usesPredictor ? epochSums.meanCost / 1e9 : nil,
                shares: plan.usesPredictor ? zip(resolutions, epochSums.shares).map { ($0, $1) } : [],
                remainingSeconds: stepsLeft * imagesPerStep * smoothed))
        guard writesRecord else { return }
        try metrics.write(
            StepRecord(
                stage: plan.name, epoch: position.epoch + 1, step: position.runStep, loss: result.report.meanLoss,
                crossEntropy: result.report.meanCrossEntropy,
                distillation: plan.distills ? result.report.meanDistillation : nil,
                penalty: result.report.penaltySum / max(result.report.images, 1), accuracy: result.report.accuracy,
                gigaFLOPs: plan.usesPredictor ? result.report.meanCost / 1e9 : nil,
                shares: plan.usesPredictor ? result.report.shares : nil,
                entropy: plan.usesPredictor ? result.report.meanEntropy : nil,
                runningGigaFLOPs: plan.usesPredictor ? policy.map { $0.cost / 1e9 } : nil, flopsWeight: result.flopsWeight,
                multiplier: plan.usesPredictor ? policy?.multiplier : nil, learningRates: result.learningRates,
                gradientNorm: result.gradientNorm, imagesPerSecond: rate, dataWaitSeconds: waitingSeconds))
    }

    /// After the last step of an epoch.
    func finishLine() { console.finishLine() }

    /// After the last step of an epoch and its evaluation.
    func recordEpoch(_ sums: StepReport, plan: StagePlan, position: TrainingPosition) throws {
        try metrics.write(
            EpochRecord(
                stage: plan.name, epoch: position.epoch + 1, step: position.runStep, loss: sums.meanLoss,
                crossEntropy: sums.meanCrossEntropy, distillation: plan.distills ? sums.meanDistillation : nil,
                penalty: sums.penaltySum / max(sums.images, 1), accuracy: sums.accuracy,
                gigaFLOPs: plan.usesPredictor ? sums.meanCost / 1e9 : nil,
                shares: plan.usesPredictor ? sums.shares : nil, entropy: plan.usesPredictor ? sums.meanEntropy : nil))
    }

    /// The evaluation after an epoch, as one line.
    func record(_ evaluation: Evaluation, plan: StagePlan, position: TrainingPosition) throws {
        try metrics.write(
            EvaluationRecord(stage: plan.name, epoch: position.epoch + 1, step: position.runStep, rows: evaluation.rows))
        let rows = evaluation.rows.filter { $0.name != Evaluation.oracleName }.map { row in
            let shares = zip(resolutions, row.shares).map { "\($0) \(Evaluation.percent($1)) %" }.joined(separator: ", ")
            let cost =
                row.name == Evaluation.dynamicName
                ? " at \(Evaluation.gigaFLOPs(row.classifierGFLOPs)) GFLOPs (\(shares))" : ""
            return "\(row.name) \(Evaluation.percent(row.top1)) %\(cost)"
        }
        console.note("  validation: " + rows.joined(separator: ", "))
    }

    /// The final table, also into the run folder.
    func recordFinal(_ evaluation: Evaluation, position: TrainingPosition) throws {
        try metrics.write(
            EvaluationRecord(stage: EvaluationRecord.finalStage, epoch: 1, step: position.runStep, rows: evaluation.rows))
        try evaluation.save(to: runFolder)
    }

    func recalibrated(_ batches: Int, of count: Int) {
        if batches == count { console.note("recalibrated the batch-norm statistics of every resolution on \(count) batches") }
    }

    /// Something that a person should know: on the console, and in metrics.jsonl.
    func warn(_ message: String, plan: StagePlan, position: TrainingPosition) throws {
        console.note("warning: \(message)")
        try metrics.write(
            EventRecord(stage: plan.name, epoch: position.epoch + 1, step: position.runStep, message: message))
    }

    func event(_ message: String) throws {
        console.finishLine()
        console.note(message)
    }
}

extension Evaluation {
    /// Writes evaluation.json and evaluation.txt.
    public func save(to runFolder: RunFolder) throws {
        try JSON.write(self, to: runFolder.evaluationData)
        try DurableFile.write(Data((text() + "\n").utf8), to: runFolder.evaluationTable)
    }
}
