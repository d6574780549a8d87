import ArgumentParser
import Communication
import Configuration
import Console
import Evaluation
import Foundation
import Inference
import Interchange
import Kernels
import Report
import Training

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Writes one HTML page about a run, or about several runs side by side.",
        discussion: """
            The page has the result with intervals, curves, accuracy against cost, photographs, the confusion matrix, the time of each rank
            and the configuration. It is one file that needs no network. A run that is in training or was stopped has a report, too.

            Photographs and classes need the answers for single images. The command evaluates the checkpoint on the run's validation images
            for them, in one process. What is missing, such as a data folder that was moved, is named in the page.

            Examples:
              drnet report runs/quickstart
              drnet report runs/a runs/b runs/c -o comparison.html
              drnet report runs/large --predictions predictions.csv
            """)

    @Argument(help: "The folders of the runs.")
    var runs: [String]

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: "The file to write (default: report.html in the run folder; with several runs in the current folder).")
    var output: String?

    @Flag(help: "Do not evaluate: no photographs and no classes, unless --predictions has them.")
    var noEvaluation = false

    @Option(help: "Read the answers for single images from this file of 'drnet evaluate --predictions'. For one run.")
    var predictions: String?

    @Option(help: "Evaluate the images of this folder, in val/CLASS/ or in CLASS/, instead of the runs' own.")
    var data: String?

    @Option(help: "Which checkpoint to evaluate: last or best.")
    var checkpoint = CheckpointChoice.last

    @Option(help: "Photographs of each group, 0 to 200; 0 leaves them out.")
    var gallery = 12

    func validate() throws {
        if ProcessEnvironment.isRankOfAJob { throw ValidationError("drnet report runs in one process: start it without mpirun") }
        if runs.contains(where: \.isEmpty) { throw ValidationError("the name of a run folder is empty") }
        if predictions != nil && runs.count > 1 { throw ValidationError("--predictions is of one run; \(runs.count) are named") }
        if predictions != nil && data != nil { throw ValidationError("use --predictions or --data, not both") }
        if !(0...200).contains(gallery) { throw ValidationError("--gallery is \(gallery); it must be 0 to 200") }
        if runs.count > 100 { throw ValidationError("\(runs.count) runs are named; a page has room for 100") }
    }

    func run() throws {
        let file = output ?? (runs.count == 1 ? RunFolder(path: runs[0]).report : "report.html")
        // All folders are read before the first evaluation, so that a wrong name costs no time.
        var reported = try runs.map { try ReportedRun(path: $0) }
        try OutputPath.requireFile(file)
        for index in reported.indices { addImages(to: &reported[index]) }
        let page = RunReport(reported, galleryLimit: gallery, version: DRNetCommand.configuration.version).html
        try OutputPath.write(Data(page.utf8), to: file)
        for run in reported where !run.notes.isEmpty {
            Console.warning("\(run.folder.path): \(run.notes.joined(separator: "; "))")
        }
        try Console.result("report: \(file) (\(page.utf8.count / 1024) kB)")
    }

    /// Adds the results of single images, or the reason why there are none.
    private func addImages(to run: inout ReportedRun) {
        do {
            if let predictions {
                run.add(try ReportedImages(predictions: predictions, resolutions: run.configuration?.resolutions ?? []))
            } else if noEvaluation {
                run.add(note: "single images are not shown: --no-evaluation was given")
            } else if run.configuration != nil {
                run.add(try evaluate(run))
            }
        } catch {
            run.add(note: "single images are not shown: \(ErrorText.describe(error))")
        }
    }

    /// Evaluates a run's checkpoint in this process.
    private func evaluate(_ run: ReportedRun) throws -> ReportedImages {
        var images: ReportedImages?
        try Ranks.run(
            nil, load: { try EvaluatedRun.configuration(run.folder, data: data) },
            recordedProducts: run.folder.recordedProductsOfThisProcessor
        ) { configuration, ranks in
            let contents = try TrainedNetwork.readCheckpoint(checkpoint, in: run.folder, report: Console.warning)
            let trained = try TrainedNetwork(run.folder, configuration, contents, choice: checkpoint, context: ranks.context)
            var progress: ProgressLine?
            var done = 0
            let (outcome, data) = try EvaluatedRun.evaluate(
                trained, configuration, ranks, modes: trained.model.hasDecider ? .policy : .fixed
            ) { batch, count in
                let line = progress ?? ProgressLine("evaluating \(trained.description)", count: count)
                progress = line
                line.update(done)
                done += batch
            }
            progress?.finish()
            images = ReportedImages(
                outcome, trained, folder: data.folder, batchSize: configuration.evaluation.batchSize, threads: ranks.context.threads.count)
        }
        guard let images else { throw ReportError("the evaluation of \(run.folder.path) has no result") }
        return images
    }
}
