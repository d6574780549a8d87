import DynamicResolution
import Evaluation

/// One line of metrics.jsonl: its place in the run, and fields that depend on its kind. docs/metrics.md lists the fields and their units.
struct MetricsRecord: Encodable {
    enum Kind: String, Encodable {
        case step, epoch, event, evaluation, ledger
    }

    /// The stage of the evaluation after the last stage.
    static let finalStage = "final"

    /// The fields that all records have.
    private struct Place: Encodable {
        var kind: Kind
        var stage: String
        /// Starts at 1.
        var epoch: Int
        /// Step of the run.
        var step: Int
    }

    private let place: Place
    /// The other fields. Each element encodes an object; the record has the keys of all of them.
    private let fields: [any Encodable]

    func encode(to encoder: any Encoder) throws {
        try place.encode(to: encoder)
        for part in fields { try part.encode(to: encoder) }
    }
}

extension MetricsRecord {
    /// A single step.
    init(_ event: StepEvent, _ costs: ReportedCosts = .multiplyAdds) {
        self.init(
            .step, event.plan, event.position,
            [ReportFields(event.result.report, event.plan, costs), StepFields(event, costs), TimesFields(event.times)])
    }

    /// An epoch.
    ///
    /// - Parameters:
    ///   - sums: over its steps.
    ///   - times: of its steps.
    init(
        epoch sums: StepReport, times: RankTimes? = nil, _ plan: StagePlan, _ position: TrainingPosition,
        _ costs: ReportedCosts = .multiplyAdds
    ) {
        self.init(.epoch, plan, position, [ReportFields(sums, plan, costs), TimesFields(times)])
    }

    /// The images that an epoch used.
    init(_ ledger: EpochLedger, expected: EpochLedger, _ plan: StagePlan, _ position: TrainingPosition) {
        self.init(
            .ledger, plan, position,
            [
                LedgerFields(
                    images: ledger.images, expectedImages: expected.images, digest: ledger.digestText,
                    eachExactlyOnce: ledger.isComplete ? ledger == expected : nil)
            ])
    }

    /// An event, in words.
    init(message: String, _ plan: StagePlan, _ position: TrainingPosition) {
        self.init(.event, plan, position, [MessageField(message: message)])
    }

    /// The evaluation after an epoch.
    init(_ evaluation: Evaluation, _ plan: StagePlan, _ position: TrainingPosition) {
        self.init(.evaluation, plan, position, [RowsField(rows: evaluation.rows)])
    }

    /// The evaluation after the last stage.
    ///
    /// - Parameter step: of the run.
    init(final rows: [EvaluationRow], step: Int) {
        place = Place(kind: .evaluation, stage: Self.finalStage, epoch: 1, step: step)
        fields = [RowsField(rows: rows)]
    }

    private init(_ kind: Kind, _ plan: StagePlan, _ position: TrainingPosition, _ fields: [any Encodable]) {
        place = Place(kind: kind, stage: plan.name, epoch: position.epoch + 1, step: position.runStep)
        self.fields = fields
    }
}

/// Means over the images of a step or of an epoch.
private struct ReportFields: Encodable {
    var loss: Double
    var crossEntropy: Double
    /// In place and from a teacher. Nil without both.
    var distillation: Double?
    var penalty: Double
    var accuracy: Double
    /// These are nil in stages without the predictor.
    var gigaFLOPs: Double?
    /// Nil unless training weighs milliseconds.
    var milliseconds: Double?
    var shares: [Double]?
    var entropy: Double?

    init(_ report: StepReport, _ plan: StagePlan, _ costs: ReportedCosts) {
        loss = report.meanLoss
        crossEntropy = report.meanCrossEntropy
        if plan.distills || report.distillationSum > 0 { distillation = report.meanDistillation }
        penalty = report.penaltySum / max(report.images, 1)
        accuracy = report.accuracy
        guard plan.usesPredictor else { return }
        gigaFLOPs = costs.gigaFLOPs(report)
        milliseconds = costs.milliseconds(report)
        shares = report.shares
        entropy = report.meanEntropy
    }
}

/// The state of the optimisation after a step, and its speed.
private struct StepFields: Encodable {
    var runningGigaFLOPs: Double?
    var runningMilliseconds: Double?
    var flopsWeight: Double?
    var multiplier: Double?
    var learningRates: [Double?]
    var gradientNorm: Double
    var imagesPerSecond: Double
    var dataWaitSeconds: Double

    init(_ event: StepEvent, _ costs: ReportedCosts) {
        if event.plan.usesPredictor {
            switch costs {
            case .multiplyAdds: runningGigaFLOPs = event.policy.map { $0.cost / 1e9 }
            case .milliseconds: runningMilliseconds = event.policy?.cost
            }
            multiplier = event.policy?.multiplier
        }
        flopsWeight = event.result.flopsWeight
        learningRates = event.result.learningRates
        gradientNorm = event.result.gradientNorm
        imagesPerSecond = event.imagesPerSecond
        dataWaitSeconds = event.waitingSeconds
    }
}

private struct TimesFields: Encodable {
    /// These are nil without a measurement.
    var collectives: Int?
    var rankSeconds: RankTimes?

    init(_ times: RankTimes?) {
        collectives = times?.collectives
        rankSeconds = times
    }
}

private struct LedgerFields: Encodable {
    var images: Int
    var expectedImages: Int
    var digest: String
    /// Nil if a part of the epoch is not known.
    var eachExactlyOnce: Bool?
}

private struct MessageField: Encodable {
    var message: String
}

private struct RowsField: Encodable {
    var rows: [EvaluationRow]
}
