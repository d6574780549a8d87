import ArgumentParser
import Console
import Evaluation
import Foundation
import Inference

/// The options of `drnet evaluate` for a budget and for the curve of all budgets.
struct BudgetOptions: ParsableArguments {
    @OptionGroup var limits: LimitOptions

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
    var limit: Budget? { limits.limit }
    /// Whether the evaluation needs the results of every image at every resolution, with the predictor's probabilities.
    var needsPolicy: Bool { limit != nil || curve != nil }

    func validate() throws {
        guard calibrationShare > 0, calibrationShare < 1 else {
            throw ValidationError("--calibration-share is \(calibrationShare); it must be between 0 and 1")
        }
    }

    /// Checks the options against the network before any image is loaded.
    ///
    /// - Throws: if the network has no predictor, or the budget cannot be met.
    func prepare(_ trained: TrainedNetwork) throws {
        guard needsPolicy else { return }
        try trained.requirePredictor()
        try limit?.requireReachable(
            trained.model.flops, milliseconds: trained.model.costUnit == .milliseconds ? trained.model.costs : nil)
    }

    /// Writes the curve's files. On rank 0.
    ///
    /// - Parameters:
    ///   - batchSize: images of a batch when the times were measured.
    ///   - threads: of one rank when the times were measured.
    func write(_ folder: String, _ outcome: Evaluator.Outcome, _ trained: TrainedNetwork, batchSize: Int, threads: Int) throws {
        let curve = OperatingCurve(
            results: outcome.results, flops: trained.model.flops, weighed: trained.model.costs,
            milliseconds: try trained.milliseconds(outcome), batchSize: batchSize, threads: threads)
        try curve.save(to: folder, title: trained.description)
        try Console.result("\nthe curve of all budgets: \(folder)/curve.svg, curve.csv and curve.json")
    }
}
