import ArgumentParser
import Communication
import Console
import Foundation
import ImageData
import Inference

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Classifies image files. Prints the class, its probability, the chosen resolution and the GFLOPs of each file.",
        discussion: """
            Files are decoded on all cores, and images with the same resolution run together. A file that cannot be read does not prevent
            the predictions for the others; the exit status is then 1.

            Examples:
              drnet predict --deployment runs/my/deployment.json photo.jpg
              drnet predict --run runs/my photos 'more/*.png'
              find photos -name '*.jpg' | drnet predict --run runs/my --json -
              drnet predict --run runs/my --csv --top 3 photos > predictions.csv
            """)

    @Argument(
        help: ArgumentHelp(
            "JPEG, PNG or WebP files; folders, for all such files in them and below; patterns in quotes; or - for one path on each line of "
                + "standard input.", valueName: "files"))
    var arguments: [String]

    @Option(
        name: [.customLong("run"), .customShort("r")], help: "The run folder. With --deployment, the default is the one that it names.")
    var runFolder: String?

    @Option(help: "Use the weights, the decider and λ of this file, which 'drnet recommend' wrote.")
    var deployment: String?

    @Option(help: "Which checkpoint: last or best. Default: last.")
    var checkpoint: CheckpointChoice?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "λ, as 'drnet evaluate --budget' prints it. A positive λ reduces the mean cost, a negative λ increases it.", valueName: "λ"))
    var costWeight: Double?

    @OptionGroup(title: "Output")
    var format: PredictionFormat

    /// Files that are decoded and classified together.
    private static let batchSize = 32

    func validate() throws {
        if runFolder == nil && deployment == nil { throw ValidationError("name a run with --run, or a file with --deployment") }
        if deployment != nil && (checkpoint != nil || costWeight != nil) {
            throw ValidationError("use --deployment without --checkpoint and --cost-weight: it has its own")
        }
        if let costWeight, !costWeight.isFinite { throw ValidationError("--cost-weight is \(costWeight); it must be finite") }
    }

    func run() throws {
        let trained = try network()
        if costWeight ?? 0 != 0 { try trained.requirePredictor() }
        var failures = 0
        var waiting: [FileSystemPath] = []
        func classify() throws {
            let results = try trained.predict(waiting, costWeight: costWeight)
            // A reader that closes its pipe wants no more lines; the command then ends with status 0.
            for (file, result) in zip(waiting, results) {
                switch result {
                case .success(let prediction): try Console.result(format.line(file.description, prediction, trained.classes))
                case .failure(let error):
                    Console.error(ErrorText.describe(error))
                    failures += 1
                }
            }
            waiting = []
        }
        if let heading = format.heading { try Console.result(heading) }
        func add(_ argument: String) throws {
            var files: [FileSystemPath] = []
            do {
                files = try ImageFiles.named(argument)
            } catch {
                Console.error(ErrorText.describe(error))
                failures += 1
            }
            for file in files {
                waiting.append(file)
                if waiting.count == Self.batchSize { try classify() }
            }
        }
        for argument in arguments {
            if argument == "-" {
                while let line = readLine() { if !line.isEmpty { try add(line) } }
            } else {
                try add(argument)
            }
        }
        try classify()
        if failures > 0 { throw ExitCode.failure }
    }

    private func network() throws -> TrainedNetwork {
        if let deployment { return try TrainedNetwork(deployment: deployment, runFolder: runFolder) }
        return try TrainedNetwork(runFolder: runFolder ?? "", checkpoint: checkpoint ?? .last, report: Console.warning)
    }
}
