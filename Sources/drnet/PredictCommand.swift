import ArgumentParser
import Communication
import Configuration
import Console
import Foundation
import Inference
import Kernels

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Classifies image files. Prints the class, its probability, the chosen resolution and the GFLOPs of each file.")

    @Argument(help: "JPEG, PNG or WebP files.")
    var files: [String]

    @Option(name: [.customLong("run"), .customShort("r")], help: "The run folder.")
    var runFolder: String

    @Option(help: "Which checkpoint: last or best.")
    var checkpoint = CheckpointChoice.last

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "λ, as 'drnet evaluate --budget' prints it. A positive λ reduces the mean cost, a negative λ increases it.", valueName: "λ"))
    var costWeight: Double?

    func validate() throws {
        if let costWeight, !costWeight.isFinite { throw ValidationError("--cost-weight is \(costWeight); it must be finite") }
    }

    func run() throws {
        let folder = RunFolder(path: runFolder)
        let configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        let context = try KernelContext(configuration.kernels, of: folder)
        let trained = try TrainedNetwork(folder, configuration, checkpoint: checkpoint, context: context, report: Console.warning)
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
}
