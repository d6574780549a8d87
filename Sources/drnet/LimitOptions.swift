import ArgumentParser
import DynamicResolution
import Evaluation
import Inference

/// A limit of the mean cost of an image.
struct LimitOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Largest mean cost of an image, predictor included: a share of the classifier's cost at the largest resolution, such as "
                + "0.6, or a number of multiply-adds, such as 2.5G, 300M or 40K. A share is one of multiply-adds or, with a table in "
                + "policy.cost, of milliseconds.", valueName: "cost"),
        transform: Self.budget)
    var budget: Budget?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Largest mean time of an image: by the table of policy.cost or, without one, on one rank of this machine, measured in "
                + "batches of evaluation.batchSize of the run. It includes predictor and resizing, but not loading.",
            valueName: "milliseconds"),
        transform: Self.milliseconds)
    var budgetMs: Budget?

    /// The budget in either unit.
    var limit: Budget? { budget ?? budgetMs }

    func validate() throws {
        if budget != nil && budgetMs != nil { throw ValidationError("use --budget or --budget-ms, not both") }
    }

    @Sendable private static func budget(_ text: String) throws -> Budget { try validated { try Budget(text) } }
    @Sendable private static func milliseconds(_ text: String) throws -> Budget { try validated { try Budget(milliseconds: text) } }

    private static func validated(_ body: () throws -> Budget) throws -> Budget {
        do { return try body() } catch { throw ValidationError("\(error)") }
    }
}

extension TrainedNetwork {
    /// The times of an image: those that decisions weigh, or else those that an evaluation measured.
    ///
    /// - Throws: `BudgetError.noImages` if they were not measured.
    func milliseconds(_ outcome: Evaluator.Outcome) throws -> ImageCosts {
        model.costUnit == .milliseconds ? model.costs : try outcome.requireMilliseconds()
    }
}
