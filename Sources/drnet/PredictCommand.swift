import Configuration
import Inference
import ArgumentParser
import Foundation
import ImageData
import Kernels

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Classifies image files: class, probability, chosen resolution and GFLOPs of each.")

    @Argument(help: "JPEG or PNG files.")
    var files: [String]

    @Option(name: [.customLong("run"), .customShort("r")], help: "The run folder.")
    var runFolder: String

    @Option(help: "Which checkpoint: last or best.")
    var checkpoint = CheckpointChoice.last

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "λ, as 'drnet evaluate --budget' prints it: more cost for a negative one, less for a positive one.", valueName: "λ"))
    var costWeight = 0.0

    func validate() throws {
        guard costWeight.isFinite else { throw ValidationError("--cost-weight is \(costWeight); it takes a finite number") }
    }

    func run() throws {
        let folder = RunFolder(path: runFolder)
        let configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        let context = try KernelContext(configuration.kernels, of: folder)
        let trained = try TrainedNetwork(folder, configuration, checkpoint: checkpoint, context: context, report: Message.write)
        if costWeight != 0 { try trained.requirePredictor() }
        var failures = 0
        print(["file", "class", "probability", "resolution", "GFLOPs"].joined(separator: "\t"))
        for file in files {
            do {
                let prediction = try trained.predict(file, costWeight: costWeight)
                print("\(file)\t\(prediction.className)\t\(prediction.probabilityText)\t\(prediction.resolution)\t\(prediction.costText)")
            } catch {
                Message.write("drnet: \(error)")
                failures += 1
            }
        }
        // The other files are told all the same.
        if failures > 0 { throw ExitCode.failure }
    }
}
