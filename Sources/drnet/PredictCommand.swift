import ArgumentParser
import Communication
import Console
import Foundation
import Inference

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Classifies image files. Prints the class, its probability, the chosen resolution and the GFLOPs of each file.")

    @Argument(help: "JPEG, PNG or WebP files.")
    var files: [String]

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
        // A reader that closes its pipe wants no more lines; the command then ends with status 0.
        try Console.result(["file", "class", "probability", "resolution", "GFLOPs"].joined(separator: "\t"))
        for file in files {
            let prediction: TrainedNetwork.Prediction
            do {
                prediction = try trained.predict(file, costWeight: costWeight)
            } catch {
                Console.error(ErrorText.describe(error))
                failures += 1
                continue
            }
            try Console.result(
                "\(file)\t\(prediction.className)\t\(prediction.probabilityText)\t\(prediction.resolution)\t\(prediction.costText)")
        }
        // A file that cannot be read does not prevent the predictions for the others.
        if failures > 0 { throw ExitCode.failure }
    }

    private func network() throws -> TrainedNetwork {
        if let deployment { return try TrainedNetwork(deployment: deployment, runFolder: runFolder) }
        return try TrainedNetwork(runFolder: runFolder ?? "", checkpoint: checkpoint ?? .last, report: Console.warning)
    }
}
