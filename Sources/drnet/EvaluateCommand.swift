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
            """)

    @Argument(help: "The run folder.")
    var runFolder: String

    @Option(help: "Which checkpoint: last or best.")
    var checkpoint = CheckpointChoice.last

    @Option(help: "Another image folder than the one that the run was trained on.")
    var data: String?

    @Option(help: "Write what was predicted for each image into this CSV file.")
    var predictions: String?

    func run() throws {
        let folder = RunFolder(path: runFolder)
        var configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        if let data { configuration.data.folder = data }
        try Ranks.run(configuration) { ranks in
            try evaluate(configuration, folder, ranks)
        }
    }

    private func evaluate(_ configuration: TrainingConfiguration, _ folder: RunFolder, _ ranks: Ranks) throws {
        let trained = try TrainedNetwork(folder, configuration, checkpoint: checkpoint, report: note(ranks))
        let images = try TrainingData(
            configuration, communicator: ranks.communicator, computingThreads: ranks.threadCount)
        try trained.requireClasses(of: images.folder)
        let evaluator = Evaluator(
            model: trained.model, communicator: ranks.communicator, batchSize: configuration.evaluation.batchSize,
            ways: trained.model.predictor == nil ? .fixed : [.dynamic, .fixed])
        let outcome = try evaluator.run(images.validationBatches().next)
        guard ranks.isRoot else { return }
        var evaluation = Evaluation(
            results: outcome.results, flops: trained.model.flops, classCount: trained.model.classCount,
            speed: outcome.speed, hasPredictor: trained.model.predictor != nil)
        evaluation.difficulties = try DifficultyTable.rows(images.folder, outcome.results, trained.model)
        print("\(trained.description), \(outcome.results.count) validation images\n")
        print(evaluation.text())
        // The run folder tells of the run's own result, not of whatever was tried on it.
        if checkpoint == .last && data == nil { try evaluation.save(to: folder) }
        if let predictions {
            try PredictionsFile.write(outcome.results, folder: images.folder, model: trained.model, to: predictions)
        }
    }

    private func note(_ ranks: Ranks) -> (String) -> Void {
        { text in if ranks.isRoot { Message.write(text) } }
    }
}

extension CheckpointChoice: ExpressibleByArgument {}
