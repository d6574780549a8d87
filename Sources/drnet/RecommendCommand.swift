import ArgumentParser
import Communication
import Configuration
import Console
import Evaluation
import Inference
import Interchange
import Kernels

struct RecommendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommend",
        abstract: "Says which way of using a run's weights to deploy, and writes deployment.json.",
        discussion: """
            Compares, on the run's validation images, every fixed resolution, the trained decider and a cascade by the classifier's own
            confidence at several costs. Prints the curve of all ways, the cheapest way that is no less accurate than the largest
            resolution and, with a budget, the most accurate way within it. A decider that is not better than a fixed resolution and than
            chance, beyond the 95 % intervals, is not recommended. 'drnet predict' and 'drnet evaluate' take the file with --deployment.

            Examples:
              drnet recommend runs/quickstart
              drnet recommend runs/quickstart --budget-ms 20 --output fast.json
            """)

    @Argument(help: "The run folder.")
    var runFolder: String

    @Option(help: "Which checkpoint: last or best.")
    var checkpoint = CheckpointChoice.last

    @Option(help: "Use the images of this folder, in val/CLASS/ or in CLASS/, instead of the run's own. It needs no train/.")
    var data: String?

    @Option(help: "Write the deployment to this file (default: deployment.json in the run folder).")
    var output: String?

    @OptionGroup(title: "Budget")
    var limits: LimitOptions

    func run() throws {
        let folder = RunFolder(path: runFolder)
        try Ranks.run(
            [RankFact("the command", "recommend")],
            load: { try EvaluatedRun.configuration(folder, data: data) }, recordedProducts: folder.recordedProductsOfThisProcessor
        ) { configuration, ranks in
            try recommend(configuration, folder, ranks)
        }
    }

    private func recommend(_ configuration: TrainingConfiguration, _ folder: RunFolder, _ ranks: Ranks) throws {
        let file = output ?? folder.deployment
        try ranks.communicator.onRankZero(label: "path of the deployment") { try OutputPath.requireFile(file) }
        let found = try ranks.communicator.checkpointOfRankZero {
            try TrainedNetwork.readCheckpoint(checkpoint, in: folder, report: Console.warning)
        }
        let trained = try ranks.communicator.agree(label: "network") {
            try TrainedNetwork(folder, configuration, found, choice: checkpoint, context: ranks.context)
        }
        let (outcome, _) = try EvaluatedRun.evaluate(trained, configuration, ranks, modes: trained.model.hasDecider ? .policy : .fixed)
        try ranks.communicator.onRankZero(label: "recommendation") {
            let recommendation = try Recommendation(
                outcome, model: trained.model,
                measured: CostTable.Conditions(
                    batchSize: configuration.evaluation.batchSize, threads: ranks.context.threads.count, processor: ProcessorName.current),
                table: configuration.policy.costTable, budget: limits.limit)
            // The preprocessing and the run are those of the run's own configuration; only the images can be others.
            let deployment = try Deployment(
                recommendation, run: folder, file: file, found.checkpoint, configuration, classes: trained.classes)
            var attempts = Attempts()
            attempts.run { try Console.result("\(trained.description)\n\n\(recommendation.text())") }
            attempts.run {
                try deployment.write(to: file)
                try Console.result("\ndeployment: \(file)")
            }
            try attempts.finish()
        }
    }
}
