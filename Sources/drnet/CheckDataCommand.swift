import ArgumentParser
import Console
import Foundation
import ImageData

struct CheckDataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-data",
        abstract: "Decodes every image of a folder, and lists all files that training would reject.",
        discussion: """
            Prints one line for each such file, with the reason, then a summary: what was skipped, which classes have few images. The exit
            status is 1 if there is such a file.

            Examples:
              drnet check-data photographs
            """)

    @Argument(help: "The data set: a folder with class folders, lists or shards.")
    var folder: String

    func run() throws {
        let images = try ImageDataset(path: folder)
        let check = DataCheck(images)
        Console.note(
            "\(folder): checking \(images.training.count) training and \(images.validation.count) validation images of "
                + "\(images.classes.count) classes")
        let progress = CountProgress(count: check.count)
        let report = check.run(threads: ProcessInfo.processInfo.activeProcessorCount) { done, bad in
            progress.update(done, "checked \(done) of \(check.count) images, \(bad) cannot be used")
        }
        for problem in report.problems { try Console.result(problem) }
        for note in images.notes + report.notes { try Console.result(note) }
        try Console.result("\(folder): \(report.images) images, \(report.problems.count) of them cannot be used")
        if !report.problems.isEmpty { throw ExitCode.failure }
    }
}
