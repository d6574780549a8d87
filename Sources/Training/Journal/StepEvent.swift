import DynamicResolution

/// One finished training step, with everything that the journal reports about it.
struct StepEvent {
    var result: StepResult
    var plan: StagePlan
    /// The position after the step.
    var position: TrainingPosition
    var stepsPerEpoch: Int
    /// The sums over the steps of the epoch so far.
    var epochSums: StepReport
    /// Nil before fine-tuning.
    var policy: PolicyState?
    /// Duration of the step.
    var seconds: Double
    /// Time in which training waited for images, since the epoch began or was resumed.
    var waitingSeconds: Double
    /// How the ranks spent the interval that ends here; nil for a step that is not recorded.
    var times: RankTimes?

    var imagesPerSecond: Double { result.report.images / max(seconds, 1e-9) }
    var secondsPerImage: Double { seconds / max(result.report.images, 1) }

    /// The images of the steps that remain in the stage, for steps as large as those of this epoch so far.
    var remainingImages: Double {
        let steps = Double((plan.epochs - position.epoch) * stepsPerEpoch - position.step)
        return steps * epochSums.images / Double(position.step)
    }
}

extension ProgressState {
    /// - Parameter secondsPerImage: smoothed over several steps.
    init(_ event: StepEvent, resolutions: [Int], secondsPerImage: Double, costs: ReportedCosts = .multiplyAdds) {
        let (sums, usesPredictor) = (event.epochSums, event.plan.usesPredictor)
        self.init(
            stage: event.plan.name, epoch: event.position.epoch + 1, epochs: event.plan.epochs, step: event.position.step,
            steps: event.stepsPerEpoch, imagesPerSecond: 1 / max(secondsPerImage, 1e-9), loss: sums.meanLoss, accuracy: sums.accuracy,
            gigaFLOPs: usesPredictor ? costs.gigaFLOPs(sums) : nil,
            shares: usesPredictor ? zip(resolutions, sums.shares).map { ($0, $1) } : [],
            remainingSeconds: event.remainingImages * secondsPerImage)
    }
}
