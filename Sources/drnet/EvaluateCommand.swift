import ArgumentParser
import Communication
import Configuration
import Console
import Evaluation
import Inference
import Training

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Evaluates a run on its validation images; alone, or as one rank of mpirun.",
        discussion: """
            Prints one table: the dynamic network and, with the same weights, every fixed resolution, random routing with the same shares,
            and the oracle (the smallest resolution that is correct). The table of the last checkpoint on the run's own images is saved in
            the run folder.

            A budget limits the mean cost of an image without further training. The network chooses argmax_j (log π_j − λ C_j). λ is
            calibrated on a part of the validation images, without their labels, and the table reports on the other images. A budget
            includes the cost of the predictor; policy.flopsTarget of a configuration does not.
            """)

    @Argument(help: "The run folder.")
    var runFolder: String

    @Option(help: "Which checkpoint: last or best.")
    var checkpoint = CheckpointChoice.last

    @Option(help: "Evaluate the images of this folder, in val/CLASS/ or in CLASS/, instead of the run's own. It needs no train/.")
    var data: String?

    @Option(help: "Write the prediction for each image to this CSV file. With a budget, the images of the calibration are left out.")
    var predictions: String?

    @OptionGroup(title: "Budgets and the curve of all budgets")
    var budgets: BudgetOptions

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
        // Rank 0 chooses the checkpoint. Training can write one at any time, so ranks that choose by themselves could choose different
        // ones.
        let found = try ranks.communicator.valueOfRankZero(label: "checkpoint of rank 0") {
            try TrainedNetwork.findCheckpoint(checkpoint, in: folder, report: Console.warning)
        }
        let trained = try TrainedNetwork(folder, configuration, found, choice: checkpoint, context: ranks.context)
        if budgets.needsPolicy { try budgets.prepare(trained, isRoot: ranks.isRoot) }
        let images = try TrainingData(
            validationImagesOf: configuration, classes: trained.classes, communicator: ranks.communicator, context: ranks.context)
        try trained.requireClasses(of: images.folder)
        if ranks.isRoot { images.folder.notes.forEach(Console.warning) }
        let batchSize = configuration.evaluation.batchSize
        let modes: Evaluator.Modes = budgets.needsPolicy ? .policy : !trained.model.hasPredictor ? .fixed : [.dynamic, .fixed]
        let evaluator = Evaluator(
            model: trained.model, communicator: ranks.communicator, batchSize: batchSize, modes: modes, context: ranks.context)
        let batches = images.validationBatches()
        let outcome = try evaluator.run {
            // Keeps the ranks together. Otherwise a slow rank could be behind by more than the timeout at the final collective.
            try ranks.communicator.barrier(label: "next batch of the evaluation")
            return try batches.next()
        }
        guard ranks.isRoot else { return }
        // The run folder keeps only the result of the last checkpoint on the run's own images.
        let saving = checkpoint == .last && data == nil ? folder : nil
        try Console.result("\(trained.description), \(outcome.results.count) validation images\n")
        let reported: [ImageResult]
        if let budget = budgets.limit {
            reported = try report(budget, outcome, trained, images, to: saving)
        } else {
            try report(outcome, trained, images, to: saving)
            reported = outcome.results
        }
        if let curve = budgets.curve {
            try budgets.write(curve, outcome, trained, batchSize: batchSize, threads: ranks.context.threads.count)
        }
        if let predictions {
            try PredictionsFile.write(reported, folder: images.folder, model: trained.model, to: predictions)
        }
    }

    /// Prints the table, and saves it unless `folder` is nil.
    private func report(
        _ outcome: Evaluator.Outcome, _ trained: TrainedNetwork, _ images: TrainingData, to folder: RunFolder?
    ) throws {
        var evaluation = Evaluation(
            results: outcome.results, flops: trained.model.flops, classCount: trained.model.classCount,
            speed: outcome.speed, hasPredictor: trained.model.hasPredictor,
            milliseconds: budgets.needsPolicy ? outcome.milliseconds : nil)
        evaluation.difficulties = try DifficultyTable.rows(images.folder, outcome.results, trained.model)
        try Console.result(evaluation.text())
        // With a curve, the speed of the dynamic network is not measured, so the saved table is not replaced.
        if let folder, !budgets.needsPolicy { try evaluation.save(to: folder) }
    }

    /// Prints the table of a budget, and saves it unless `folder` is nil.
    ///
    /// - Returns: the images in the report.
    private func report(
        _ budget: Budget, _ outcome: Evaluator.Outcome, _ trained: TrainedNetwork, _ images: TrainingData, to folder: RunFolder?
    ) throws -> [ImageResult] {
        var evaluation = try BudgetEvaluation(
            budget, results: outcome.results, flops: trained.model.flops, milliseconds: outcome.requireMilliseconds(),
            calibrationShare: budgets.calibrationShare, classCount: trained.model.classCount)
        evaluation.evaluation.difficulties = try DifficultyTable.rows(images.folder, evaluation.results, trained.model)
        try Console.result(evaluation.text())
        if let folder { try evaluation.save(to: folder) }
        return evaluation.results
    }
}

extension CheckpointChoice: ExpressibleByArgument {}
