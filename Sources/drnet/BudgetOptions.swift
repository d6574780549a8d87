import ArgumentParser
import Console
import Evaluation
import Foundation
import Inference

/// The options of `drnet evaluate` for a budget and for the curve of all budgets.
struct BudgetOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Largest mean cost of an image, predictor included: a share of the classifier's multiply-adds at the largest resolution, "
                + "such as 0.6, or a number of multiply-adds, such as 2.5G, 300M or 40K.", valueName: "cost"),
        transform: Self.budget)
    var budget: Budget?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Largest mean time of an image on one rank of this machine, measured in batches of evaluation.batchSize of the run. It "
                + "includes predictor and resizing, but not loading.", valueName: "milliseconds"),
        transform: Self.milliseconds)
    var budgetMs: Budget?

    @Option(
        parsing: .unconditional,
        help: "Share of the validation images for the calibration of λ. The selection is the same in every run.")
    var calibrationShare = 0.2

    @Option(
        help: ArgumentHelp(
            "Write the curve of accuracy against GFLOPs and milliseconds at all budgets to curve.json, curve.csv and curve.svg in this "
                + "folder. The curve includes the fixed resolutions, random mixes of them, a cascade by confidence, and the oracle.",
            valueName: "folder"))
    var curve: String?

    /// The budget in either unit.
    var limit: Budget? { budget ?? budgetMs }
    /// Whether the evaluation needs the results of every image at every resolution, with the predictor's probabilities.
    var needsPolicy: Bool { limit != nil || curve != nil }

    func validate() throws {
        if budget != nil && budgetMs != nil { throw ValidationError("use --budget or --budget-ms, not both") }
        guard calibrationShare > 0, calibrationShare < 1 else {
            throw ValidationError("--calibration-share is \(calibrationShare); it must be between 0 and 1")
        }
    }

    @Sendable private static func budget(_ text: String) throws -> Budget { try validated { try Budget(text) } }
    @Sendable private static func milliseconds(_ text: String) throws -> Budget { try validated { try Budget(milliseconds: text) } }

    private static func validated(_ body: () throws -> Budget) throws -> Budget {
        do { return try body() } catch { throw ValidationError("\(error)") }
    }

    /// Checks the options against the network before any image is loaded.
    ///
    /// - Throws: if the network has no predictor, or the budget cannot be met.
    func prepare(_ trained: TrainedNetwork) throws {
        guard needsPolicy else { return }
        try trained.requirePredictor()
        try budget?.requireReachable(trained.model.flops)
    }

    /// Writes the curve's files. On rank 0.
    ///
    /// - Parameters:
    ///   - batchSize: images of a batch when the times were measured.
    ///   - threads: of one rank when the times were measured.
    func write(_ folder: String, _ outcome: Evaluator.Outcome, _ trained: TrainedNetwork, batchSize: Int, threads: Int) throws {
        let curve = OperatingCurve(
            results: outcome.results, flops: trained.model.flops, weighed: trained.model.costs,
            milliseconds: try outcome.requireMilliseconds(), batchSize: batchSize, threads: threads)
        try curve.save(to: folder, title: trained.description)
        try Console.result("\nthe curve of all budgets: \(folder)/curve.svg, curve.csv and curve.json")
    }
}
