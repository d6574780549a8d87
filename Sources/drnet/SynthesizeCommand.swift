import ArgumentParser
import Console
import Foundation
import SyntheticImages

struct SynthesizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "synthesize",
        abstract: "Creates the quickstart's image folder.",
        discussion: """
            The class is visible in a large pattern in half of the images, in a pattern that needs a middle resolution in a quarter, and
            only in a small detail in the last quarter. difficulty.csv, beside the class folders, lists the kind of each image. Training
            never reads it.

            Examples:
              drnet synthesize data/quickstart
              drnet synthesize data/small --training 300 --validation 60 --seed 7
            """)

    @Argument(help: "The folder to create. A folder that is complete already is left unchanged.")
    var folder: String

    @Option(help: "The seed that determines all images.")
    var seed: UInt64 = 1

    @Option(help: "Number of training images.")
    var training = 3000

    @Option(help: "Number of validation images.")
    var validation = 600

    func validate() throws {
        guard training >= 1, validation >= 1 else { throw ValidationError("--training and --validation must be at least 1") }
    }

    func run() throws {
        var options = SyntheticDataSet.Options()
        options.seed = seed
        options.trainingImages = training
        options.validationImages = validation
        let isTerminal = isatty(STDOUT_FILENO) != 0
        let threads = ProcessInfo.processInfo.activeProcessorCount
        let outcome = try SyntheticDataSet(options).write(to: folder, threads: threads) { done, count in
            guard isTerminal, done % 50 == 0 || done == count else { return }
            Console.progress("\r\(done) of \(count) images\(done == count ? "\n" : "")")
        }
        try Console.result("\(folder): \(outcome)")
    }
}
