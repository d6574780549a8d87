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

    @Argument(help: "The image folder, with train/CLASS/ and val/CLASS/.")
    var folder: String

    func run() throws {
        let images = try ImageFolder(path: folder)
        let check = DataCheck(images)
        Console.note(
            "\(folder): checking \(images.training.count) training and \(images.validation.count) validation images of "
                + "\(images.classes.count) classes")
        let progress = CheckProgress(count: check.count, isTerminal: isatty(STDOUT_FILENO) != 0)
        let report = check.run(threads: ProcessInfo.processInfo.activeProcessorCount, progress: progress.update)
        for problem in report.problems { try Console.result(problem) }
        for note in images.notes + report.notes { try Console.result(note) }
        try Console.result("\(folder): \(report.images) images, \(report.problems.count) of them cannot be used")
        if !report.problems.isEmpty { throw ExitCode.failure }
    }
}

/// Reports the progress of a check: on a terminal on a line that is overwritten, otherwise on a new line every ten seconds.
///
/// `@unchecked Sendable` is safe: `update` is called by one thread at a time.
private final class CheckProgress: @unchecked Sendable {
    private let count: Int
    private let isTerminal: Bool
    private let interval: Double
    private var last = ProcessInfo.processInfo.systemUptime

    init(count: Int, isTerminal: Bool) {
        self.count = count
        self.isTerminal = isTerminal
        interval = isTerminal ? 0.2 : 10
    }

    func update(done: Int, bad: Int) {
        let now = ProcessInfo.processInfo.systemUptime
        guard now - last >= interval || isTerminal && done == count else { return }
        last = now
        let text = "checked \(done) of \(count) images, \(bad) cannot be used"
        isTerminal ? Console.progress("\r\(text)\(done == count ? "\n" : "")") : Console.note(text)
    }
}
