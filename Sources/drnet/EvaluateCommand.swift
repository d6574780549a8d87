import Interchange
import Configuration
import Inference
import Evaluation
import ArgumentParser
import Communication
import Foundation
import Training

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Evaluates a run on its validation images; alone, or as one rank of mpirun.",
        discussion: """
            Prints one table: the dynamic network, and on the same weights every fixed resolution, random routing with the same shares, and
            the oracle (the smallest resolution that is right). That of the last checkpoint on the run's own images is saved in the run folder.

            With a budget, the network is held to a mean cost without being trained anew: it takes argmax_j (log π_j − λ C_j), and λ is
            calibrated on a part of the validation images, without their labels; the table tells of the others. A budget is what using the
            network costs: it includes the predictor, which policy.flopsTarget of a configuration does not.
            """)

    @Argument(help: "The run folder.")
    var runFolder: String

    @Option(help: "Which checkpoint: last or best.")
    var checkpoint = CheckpointChoice.last

    @Option(help: "The validation images of another folder than the one that the run was trained on.")
    var data: String?

    @Option(help: "Write what was predicted for each image (with a budget: each that did not calibrate it) into this CSV file.")
    var predictions: String?

    @OptionGroup(title: "Budgets and the curve of all budgets")
    var operation: OperationOptions

    func run() throws {
        let folder = RunFolder(path: runFolder)
        var configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        if let data {
            configuration.data.folder = data
            configuration.data.fold = nil
        }
        try Ranks.run(configuration, recordedProducts: folder.recordedProductsOfThisProcessor) { ranks in
            try evaluate(configuration, folder, ranks)
        }
    }

    private func evaluate(_ configuration: TrainingConfiguration, _ folder: RunFolder, _ ranks: Ranks) throws {
        // Training can write a checkpoint at any moment: ranks that looked for the newest one themselves could find two.
        let found = try ranks.communicator.valueOfRankZero(label: "checkpoint of rank 0") {
            try TrainedNetwork.findCheckpoint(checkpoint, in: folder, report: Message.write)
        }
        let trained = try TrainedNetwork(folder, configuration, found, choice: checkpoint, context: ranks.context)
        if operation.isAsked { try operation.prepare(trained, isRoot: ranks.isRoot) }
        let images = try TrainingData(
            configuration, communicator: ranks.communicator, context: ranks.context)
        try trained.requireClasses(of: images.folder)
        let batchSize = configuration.evaluation.batchSize
        let ways: Evaluator.Ways = operation.isAsked ? .policy : !trained.model.hasPredictor ? .fixed : [.dynamic, .fixed]
        let evaluator = Evaluator(
            model: trained.model, communicator: ranks.communicator, batchSize: batchSize, ways: ways, context: ranks.context)
        let batches = images.validationBatches()
        let outcome = try evaluator.run {
            // Without this, a slow rank would fall behind by more than the timeout, and the fast ones would give it up at the end.
            try ranks.communicator.barrier(label: "next batch of the evaluation")
            return try batches.next()
        }
        guard ranks.isRoot else { return }
        // The run folder tells of the run's own result, not of whatever was tried on it.
        let saving = checkpoint == .last && data == nil ? folder : nil
        print("\(trained.description), \(outcome.results.count) validation images\n")
        let told: [ImageResult]
        if let budget = operation.limit {
            told = try report(budget, outcome, trained, images, to: saving)
        } else {
            try report(outcome, trained, images, to: saving)
            told = outcome.results
        }
        if let curve = operation.curve {
            try operation.write(curve, outcome, trained, batchSize: batchSize, threads: ranks.context.threads.count)
        }
        if let predictions {
            try PredictionsFile.write(told, folder: images.folder, model: trained.model, to: predictions)
        }
    }

    private func report(
        _ outcome: Evaluator.Outcome, _ trained: TrainedNetwork, _ images: TrainingData, to folder: RunFolder?
    ) throws {
        var evaluation = Evaluation(
            results: outcome.results, flops: trained.model.flops, classCount: trained.model.classCount,
            speed: outcome.speed, hasPredictor: trained.model.hasPredictor,
            milliseconds: operation.isAsked ? outcome.milliseconds : nil)
        evaluation.difficulties = try DifficultyTable.rows(images.folder, outcome.results, trained.model)
        print(evaluation.text())
        // With a curve the dynamic network itself was not timed.
        if let folder, !operation.isAsked { try evaluation.save(to: folder) }
    }

    /// Returns the images that the report is about.
    private func report(
        _ budget: Budget, _ outcome: Evaluator.Outcome, _ trained: TrainedNetwork, _ images: TrainingData, to folder: RunFolder?
    ) throws -> [ImageResult] {
        var evaluation = try BudgetEvaluation(
            budget, results: outcome.results, flops: trained.model.flops, milliseconds: outcome.requireMilliseconds(),
            calibrationShare: operation.calibrationShare, classCount: trained.model.classCount)
        evaluation.evaluation.difficulties = try DifficultyTable.rows(images.folder, evaluation.results, trained.model)
        print(evaluation.text())
        if let folder { try evaluation.save(to: folder) }
        return evaluation.results
    }
}

extension CheckpointChoice: ExpressibleByArgument {}
