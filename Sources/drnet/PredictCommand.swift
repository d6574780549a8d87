import ArgumentParser
import Foundation
import ImageData
import Kernels
import Training

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

    func run() throws {
        try DRNetCommand.requireProcessor()
        Parallel.configure(threadCount: ProcessInfo.processInfo.activeProcessorCount)
        let folder = RunFolder(path: runFolder)
        let configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        ConvolutionKernels.configure(winograd: configuration.kernels.winograd ? .wherePays : .never)
        let trained = try TrainedNetwork(folder, configuration, checkpoint: checkpoint, report: Message.write)
        var failures = 0
        print(["file", "class", "probability", "resolution", "GFLOPs"].joined(separator: "\t"))
        for file in files {
            do {
                let prediction = try trained.predict(file)
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
