import ArgumentParser
import Communication
import Configuration
import Console
import Evaluation
import Inference
import Interchange
import Kernels
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

            Examples:
              drnet evaluate runs/quickstart
              drnet evaluate runs/quickstart --checkpoint best --predictions predictions.csv
              drnet evaluate runs/quickstart --budget 0.6
              drnet evaluate runs/quickstart --curve curve
            """)

    @Argument(help: "The run folder.")
    var runFolder: String

    @Option(help: "Which checkpoint: last or best. Default: last.")
    var checkpoint: CheckpointChoice?

    @Option(help: "Use the weights, the decider and λ of this file, which 'drnet recommend' wrote.")
    var deployment: String?

    @Option(help: "Evaluate the images of this folder, in val/CLASS/ or in CLASS/, instead of the run's own. It needs no train/.")
    var data: String?

    @Option(help: "Write the prediction for each image to this CSV file. With a budget, the images of the calibration are left out.")
    var predictions: String?

    @OptionGroup(title: "Budgets and the curve of all budgets")
    var budgets: BudgetOptions

    func validate() throws {
        guard deployment != nil else { return }
        if checkpoint != nil { throw ValidationError("use --deployment or --checkpoint, not both: a deployment names its checkpoint") }
        if budgets.needsPolicy { throw ValidationError("use --deployment without --budget, --budget-ms and --curve: it has its own λ") }
    }

    func run() throws {
        let folder = RunFolder(path: runFolder)
        try Ranks.run(
            facts, load: { try EvaluatedRun.configuration(folder, data: data) }, recordedProducts: folder.recordedProductsOfThisProcessor
        ) { configuration, ranks in
            try evaluate(configuration, folder, ranks)
        }
    }

    /// Which collectives run, and what the ranks compute, depends on these. Rank 0 alone uses the others.
    private var facts: [RankFact] {
        let budget = budgets.limit.map { "\($0)" } ?? "none"
        return [
            RankFact("the command", "evaluate"), RankFact("--deployment", deployment == nil ? "not given" : "given"),
            RankFact("--budget or --budget-ms", budget), RankFact("--curve", budgets.curve == nil ? "not given" : "given"),
        ]
    }

    /// Checks that the files which the options name can be written, before the evaluation.
    private func checkPaths() throws {
        if let predictions { try OutputPath.requireFile(predictions) }
        if let curve = budgets.curve { try OutputPath.requireFolder(curve) }
    }

    private func evaluate(_ configuration: TrainingConfiguration, _ folder: RunFolder, _ ranks: Ranks) throws {
        try ranks.communicator.onRankZero(label: "paths of the results", checkPaths)
        // Rank 0 chooses the checkpoint, and sends it to the others. Training can write and remove one at any time, so ranks that choose by
        // themselves could choose different ones, or find theirs removed.
        let deployed = try ranks.communicator.valueOfRankZero(label: "deployment") { try deployment.map(Deployment.read) }
        let contents = try ranks.communicator.checkpointOfRankZero {
            if let deployed, let deployment { return try deployed.readCheckpoint(in: folder, configuration, file: deployment) }
            return try TrainedNetwork.readCheckpoint(checkpoint ?? .last, in: folder, report: Console.warning)
        }
        let trained = try ranks.communicator.agree(label: "network") {
            let trained = try network(folder, configuration, contents, deployed, ranks.context)
            try budgets.prepare(trained)
            return trained
        }
        let modes: Evaluator.Modes =
            budgets.needsPolicy
            ? .policy : trained.model.hasDecider ? [.dynamic, .policy] : deployment == nil ? .fixed : [.dynamic, .fixed]
        let (outcome, images) = try EvaluatedRun.evaluate(trained, configuration, ranks, modes: modes)
        try ranks.communicator.onRankZero(label: "results") {
            try publish(
                outcome, trained, images, to: folder,
                batchSize: configuration.policy.costTable?.conditions.batchSize
                    ?? configuration.evaluation.batchSize,
                threads: configuration.policy.costTable?.conditions.threads ?? ranks.context.threads.count, deployed)
        }
    }

    private func network(
        _ folder: RunFolder, _ configuration: TrainingConfiguration, _ contents: CheckpointContents, _ deployed: Deployment?,
        _ context: KernelContext
    ) throws -> TrainedNetwork {
        if let deployed { return try TrainedNetwork(folder, configuration, contents, deployment: deployed, context: context) }
        return try TrainedNetwork(folder, configuration, contents, choice: checkpoint ?? .last, context: context)
    }

    /// Prints and writes everything that the command was started for. A part that fails does not prevent the others. On rank 0.
    private func publish(
        _ outcome: Evaluator.Outcome, _ trained: TrainedNetwork, _ images: TrainingData, to folder: RunFolder, batchSize: Int, threads: Int,
        _ deployment: Deployment?
    ) throws {
        // The run folder keeps only the result of the last checkpoint on the run's own images. With a curve, the speed of the dynamic
        // network is not measured, so the saved table is not replaced.
        let isSaved = checkpoint ?? .last == .last && data == nil && deployment == nil && (budgets.limit != nil || !budgets.needsPolicy)
        var attempts = Attempts()
        if var report = attempts.value({ try EvaluationReport(outcome, trained, budgets) }) {
            if let predictions {
                attempts.run { try PredictionsFile.write(report.results, folder: images.folder, model: trained.model, to: predictions) }
            }
            report.add(attempts.value { try DifficultyTable.rows(images.folder, report.results, trained.model) } ?? nil)
            let heading = "\(trained.description), \(outcome.results.count) validation images\n\n"
            attempts.run { try Console.result(heading + report.text) }
            if let deployment {
                attempts.run { try Console.result("\n" + DeployedResult(outcome.results, trained.model).text(expected: deployment)) }
            }
            if isSaved { attempts.save(to: folder.path) { try report.save(to: folder) } }
        }
        if let curve = budgets.curve {
            attempts.run { try budgets.write(curve, outcome, trained, batchSize: batchSize, threads: threads) }
        }
        try attempts.finish()
    }
}

extension CheckpointChoice: ExpressibleByArgument {}
