import ArgumentParser
import Communication
import Configuration
import Console
import Evaluation
import Inference
import Interchange
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
        try Ranks.run(load: { try load(folder) }, recordedProducts: folder.recordedProductsOfThisProcessor) { configuration, ranks in
            try evaluate(configuration, folder, ranks)
        }
    }

    private func load(_ folder: RunFolder) throws -> TrainingConfiguration {
        var configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        if let data {
            configuration.data.folder = data
            configuration.data.fold = nil
        }
        return configuration
    }

    /// Checks that the files which the options name can be written, before the evaluation.
    private func checkPaths() throws {
        if let predictions { try OutputPath.requireFile(predictions) }
        if let curve = budgets.curve { try OutputPath.requireFolder(curve) }
    }

    private func evaluate(_ configuration: TrainingConfiguration, _ folder: RunFolder, _ ranks: Ranks) throws {
        try ranks.communicator.onRankZero(label: "paths of the results", checkPaths)
        // Rank 0 chooses the checkpoint. Training can write one at any time, so ranks that choose by themselves could choose different
        // ones.
        let found = try ranks.communicator.valueOfRankZero(label: "checkpoint of rank 0") {
            try TrainedNetwork.findCheckpoint(checkpoint, in: folder, report: Console.warning)
        }
        let trained = try ranks.communicator.agree(label: "network") {
            let trained = try TrainedNetwork(folder, configuration, found, choice: checkpoint, context: ranks.context)
            try budgets.prepare(trained)
            return trained
        }
        let images = try TrainingData(
            validationImagesOf: configuration, classes: trained.classes, communicator: ranks.communicator, context: ranks.context)
        try ranks.communicator.agree(label: "classes") { try trained.requireClasses(of: images.folder) }
        if ranks.isRoot { images.folder.notes.forEach(Console.warning) }
        let batchSize = configuration.evaluation.batchSize
        let modes: Evaluator.Modes = budgets.needsPolicy ? .policy : !trained.model.hasDecider ? .fixed : [.dynamic, .policy]
        let evaluator = Evaluator(
            model: trained.model, communicator: ranks.communicator, batchSize: batchSize, modes: modes,
            costWeight: trained.costWeight, context: ranks.context)
        let batches = images.validationBatches()
        let outcome = try evaluator.run {
            // Keeps the ranks together. Otherwise a slow rank could be behind by more than the timeout at the final collective.
            try ranks.communicator.barrier(label: "next batch of the evaluation")
            return try batches.next()
        }
        try ranks.communicator.onRankZero(label: "results") {
            try publish(outcome, trained, images, to: folder, batchSize: batchSize, threads: ranks.context.threads.count)
        }
    }

    /// Prints and writes everything that the command was started for. A part that fails does not prevent the others. On rank 0.
    private func publish(
        _ outcome: Evaluator.Outcome, _ trained: TrainedNetwork, _ images: TrainingData, to folder: RunFolder, batchSize: Int, threads: Int
    ) throws {
        // The run folder keeps only the result of the last checkpoint on the run's own images. With a curve, the speed of the dynamic
        // network is not measured, so the saved table is not replaced.
        let isSaved = checkpoint == .last && data == nil && (budgets.limit != nil || !budgets.needsPolicy)
        var attempts = Attempts()
        if var report = attempts.value({ try EvaluationReport(outcome, trained, budgets) }) {
            if let predictions {
                attempts.run { try PredictionsFile.write(report.results, folder: images.folder, model: trained.model, to: predictions) }
            }
            report.add(attempts.value { try DifficultyTable.rows(images.folder, report.results, trained.model) } ?? nil)
            let heading = "\(trained.description), \(outcome.results.count) validation images\n\n"
            attempts.run { try Console.result(heading + report.text) }
            if isSaved { attempts.save(to: folder.path) { try report.save(to: folder) } }
        }
        if let curve = budgets.curve {
            attempts.run { try budgets.write(curve, outcome, trained, batchSize: batchSize, threads: threads) }
        }
        try attempts.finish()
    }
}

extension CheckpointChoice: ExpressibleByArgument {}
