import Inference
import Evaluation
import ArgumentParser
import Foundation

/// Where on its curve of cost and accuracy a network is used.
struct OperationOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What an image may cost in the mean, predictor included: a share of the classifier's multiply-adds at the largest resolution, "
                + "such as 0.6, or multiply-adds, such as 2.5G, 300M or 40K.", valueName: "cost"),
        transform: Self.budget)
    var budget: Budget?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The same in milliseconds of one rank of this machine at the run's evaluation.batchSize, measured on the way; predictor and "
                + "resizing included, loading not.", valueName: "milliseconds"),
        transform: Self.milliseconds)
    var budgetMs: Budget?

    @Option(
        parsing: .unconditional,
        help: "The share of the validation images that λ is calibrated on; always the same images of a folder.")
    var calibrationShare = 0.2

    @Option(
        help: ArgumentHelp(
            "Write accuracy against GFLOPs and milliseconds at all budgets, beside the fixed resolutions, random mixes of them, a cascade "
                + "by confidence and the oracle, into curve.json, curve.csv and curve.svg of this folder.", valueName: "folder"))
    var curve: String?

    /// Either of the two.
    var limit: Budget? { budget ?? budgetMs }
    var isAsked: Bool { limit != nil || curve != nil }

    func validate() throws {
        if budget != nil && budgetMs != nil { throw ValidationError("give --budget or --budget-ms, not both") }
        guard calibrationShare > 0, calibrationShare < 1 else {
            throw ValidationError("--calibration-share is \(calibrationShare); it takes a share between 0 and 1")
        }
    }

    @Sendable private static func budget(_ text: String) throws -> Budget { try validated { try Budget(text) } }
    @Sendable private static func milliseconds(_ text: String) throws -> Budget { try validated { try Budget(milliseconds: text) } }

    private static func validated(_ body: () throws -> Budget) throws -> Budget {
        do { return try body() } catch { throw ValidationError("\(error)") }
    }

    /// Refuses what can be known to fail before the images are looked at.
    func prepare(_ trained: TrainedNetwork, isRoot: Bool) throws {
        try trained.requirePredictor()
        try budget?.requireReachable(trained.model.flops)
        if let curve, isRoot { try OperatingCurve.makeFolder(curve) }
    }

    func write(_ folder: String, _ outcome: Evaluator.Outcome, _ trained: TrainedNetwork, batchSize: Int, threads: Int) throws {
        let curve = OperatingCurve(
            results: outcome.results, flops: trained.model.flops, milliseconds: try outcome.requireMilliseconds(), batchSize: batchSize,
            threads: threads)
        try curve.save(to: folder, title: trained.description)
        print("\nthe curve of all budgets: \(folder)/curve.svg, curve.csv and curve.json")
    }
}
