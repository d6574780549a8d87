import Evaluation
import Inference

/// The table that `drnet evaluate` prints and saves: of all images, or of those that report on a budget.
enum EvaluationReport {
    case whole(Evaluation, results: [ImageResult])
    case budget(BudgetEvaluation)

    init(_ outcome: Evaluator.Outcome, _ trained: TrainedNetwork, _ budgets: BudgetOptions) throws {
        if let limit = budgets.limit {
            self = .budget(
                try BudgetEvaluation(
                    limit, results: outcome.results, flops: trained.model.flops, weighed: trained.model.costs,
                    milliseconds: trained.milliseconds(outcome),
                    calibrationShare: budgets.calibrationShare, classCount: trained.model.classCount, unitOfShares: trained.model.costUnit))
        } else {
            var evaluation = Evaluation(
                results: outcome.results, flops: trained.model.flops, classCount: trained.model.classCount, speed: outcome.speed,
                hasDecider: trained.model.hasDecider,
                milliseconds: trained.model.costUnit == .milliseconds
                    ? trained.model.costs : budgets.needsPolicy ? outcome.milliseconds : nil)
            if trained.model.hasDecider {
                evaluation.addPoints(outcome.results, decider: trained.model.decider, weighed: trained.model.costs)
            }
            self = .whole(evaluation, results: outcome.results)
        }
    }

    /// The images in the report.
    var results: [ImageResult] {
        switch self {
        case .whole(_, let results): return results
        case .budget(let evaluation): return evaluation.results
        }
    }

    /// Adds the rows of the kinds of images; nil adds none.
    mutating func add(_ difficulties: [DifficultyTable.Row]?) {
        switch self {
        case .whole(var evaluation, let results):
            evaluation.difficulties = difficulties
            self = .whole(evaluation, results: results)
        case .budget(var evaluation):
            evaluation.evaluation.difficulties = difficulties
            self = .budget(evaluation)
        }
    }

    var text: String {
        switch self {
        case .whole(let evaluation, _): return evaluation.text()
        case .budget(let evaluation): return evaluation.text()
        }
    }

    func save(to folder: RunFolder) throws {
        switch self {
        case .whole(let evaluation, _): try evaluation.save(to: folder)
        case .budget(let evaluation): try evaluation.save(to: folder)
        }
    }
}
