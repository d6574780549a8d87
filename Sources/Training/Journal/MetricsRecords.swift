import Evaluation
import Foundation

/// A line of metrics.jsonl. docs/metrics.md tells the fields and their units.
protocol MetricsRecord: Encodable {
    var kind: String { get }
}

struct StepRecord: MetricsRecord {
    var kind = "step"
    var stage: String
    var epoch: Int
    var step: Int
    var loss: Double
    var crossEntropy: Double
    var distillation: Double?
    var penalty: Double
    var accuracy: Double
    var gigaFLOPs: Double?
    var shares: [Double]?
    var entropy: Double?
    var runningGigaFLOPs: Double?
    var flopsWeight: Double?
    var multiplier: Double?
    var learningRates: [Double?]
    var gradientNorm: Double
    var imagesPerSecond: Double
    var dataWaitSeconds: Double
}

struct EpochRecord: MetricsRecord {
    var kind = "epoch"
    var stage: String
    var epoch: Int
    var step: Int
    var loss: Double
    var crossEntropy: Double
    var distillation: Double?
    var penalty: Double
    var accuracy: Double
    var gigaFLOPs: Double?
    var shares: [Double]?
    var entropy: Double?
}

/// Something that happened, in words.
struct EventRecord: MetricsRecord {
    var kind = "event"
    var stage: String
    var epoch: Int
    var step: Int
    var message: String
}

struct EvaluationRecord: MetricsRecord {
    /// What the evaluation after the last stage has as its stage.
    static let finalStage = "final"

    var kind = "evaluation"
    var stage: String
    var epoch: Int
    var step: Int
    var rows: [EvaluationRow]
}
