import DynamicResolution

/// The result of a training step, over the global batch.
struct StepResult {
    var report: StepReport
    /// Of the classifier and, in stages with the predictor, of the predictor; nil for a frozen network.
    var learningRates: [Double?]
    /// Before clipping.
    var gradientNorm: Double
    /// The effective η; nil in stages without the predictor.
    var flopsWeight: Double?
    /// Some rank received a signal to stop.
    var stopIsRequested: Bool
    /// Enough time has passed since the last checkpoint.
    var saveIsDue = false
    /// Loss or gradient was not finite, so the step changed nothing. The report has no meaning then.
    var isSkipped = false
}
