import SyntheticImages
import ArgumentParser
import Foundation
import ImageData

struct SynthesizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "synthesize",
        abstract: "Makes the quickstart's image folder.",
        discussion: """
            Half of the images show their class in something large, a quarter in something that needs the middle resolution, and a quarter
            in a small detail only. difficulty.csv beside the class folders tells which is which; training never reads it.
            """)

    @Argument(help: "The folder to make. Where it is complete already, nothing is done.")
    var folder: String

    @Option(help: "Everything about the images follows from it.")
    var seed: UInt64 = 1

    @Option(help: "Training images.")
    var training = 3000

    @Option(help: "Validation images.")
    var validation = 600

    func validate() throws {
        guard training >= 1, validation >= 1 else { throw ValidationError("--training and --validation need at least one image") }
    }

    func run() throws {
        var options = SyntheticDataSet.Options()
        options.seed = seed
        options.trainingImages = training
        options.validationImages = validation
        let isTerminal = isatty(FileHandle.standardError.fileDescriptor) != 0
        let threads = ProcessInfo.processInfo.activeProcessorCount
        let outcome = try SyntheticDataSet(options).write(to: folder, threads: threads) { done, count in
            guard isTerminal, done % 50 == 0 || done == count else { return }
            FileHandle.standardError.write(Data("\r\(done) of \(count) images\(done == count ? "\n" : "")".utf8))
        }
        print("\(folder): \(outcome)")
    }
}
