import DynamicResolution
import Evaluation
import Foundation
import ImageData
import Inference
import Interchange

/// What a run's network says of single images.
public struct ReportedImages {
    /// One image.
    struct Image {
        var source: ImageSource
        /// The path within the data set.
        var name: String
        /// Index of the class.
        var label: Int
        var predicted: Int
        /// Index of the resolution that answered.
        var choice: Int
        /// The number of classes that the network prefers to the label; 0 if the answer is right.
        var labelRank: Int
        /// Of the answer; nil if it is not known.
        var probability: Double?
        /// The class and its probability at every resolution, largest first; empty if they are not known.
        var fixedPredictions: [Int] = []
        var fixedProbabilities: [Double] = []

        var isRight: Bool { labelRank == 0 }
        func isRight(at column: Int) -> Bool { fixedPredictions[column] == label }
    }

    let images: [Image]
    let classes: [String]
    let resolutions: [Int]
    /// Whether something chooses a resolution for each image.
    let isDynamic: Bool
    /// Where the results come from, in words.
    let source: String
    /// The table of these images, and where it comes from; nil if the results are of one way only.
    let table: ReportedTable?
    let tableSource: String?
    /// Top-1 accuracy minus that of the largest resolution, by the name of the way.
    let differences: [String: IntervalEstimate]
    /// All ways at all settings; nil without a decider or without the answers at all resolutions.
    let curve: OperatingCurve?

    /// The results of an evaluation.
    ///
    /// - Parameters:
    ///   - outcome: of every image at every resolution, with the decider's scores if there is a decider.
    ///   - trained: the network that was evaluated.
    ///   - folder: the images.
    ///   - batchSize: images of a batch when the times were measured.
    ///   - threads: that computed it.
    public init(_ outcome: Evaluator.Outcome, _ trained: TrainedNetwork, folder: ImageDataset, batchSize: Int, threads: Int) {
        let model = trained.model
        images = outcome.results.map { result in
            let sample = folder.validation[result.sample]
            return Image(
                source: sample.source, name: folder.relativePath(of: sample), label: result.label, predicted: result.predicted,
                choice: result.choice, labelRank: result.labelRank,
                probability: result.topProbabilities.isEmpty ? nil : Double(result.topProbabilities[result.choice]),
                fixedPredictions: result.fixedPredictions, fixedProbabilities: result.topProbabilities.map(Double.init))
        }
        classes = trained.classes
        resolutions = model.resolutions
        isDynamic = model.hasDecider
        source = "\(trained.description) on the \(outcome.results.count) validation images of \(folder.path)"
        let milliseconds = model.costUnit == .milliseconds ? model.costs : outcome.milliseconds
        let evaluation = Evaluation(
            results: outcome.results, flops: model.flops, classCount: model.classCount, speed: .init(dynamic: nil, fixedLargest: nil),
            hasDecider: model.hasDecider, milliseconds: milliseconds)
        table = ReportedTable(evaluation)
        tableSource = source
        differences = Dictionary(
            evaluation.differencesFromLargest(outcome.results).map { ($0.way.name, $0.difference) }, uniquingKeysWith: { first, _ in first }
        )
        curve =
            !model.hasDecider || outcome.results.isEmpty
            ? nil
            : milliseconds.map {
                OperatingCurve(
                    results: outcome.results, flops: model.flops, weighed: model.costs, milliseconds: $0, batchSize: batchSize,
                    threads: threads)
            }
    }

    /// The results in a file that `drnet evaluate --predictions` wrote.
    ///
    /// - Parameters:
    ///   - path: the CSV file.
    ///   - resolutions: of the run, largest first; empty for those in the file.
    /// - Throws: `ReportError`, which names the file and the line.
    public init(predictions path: String, resolutions: [Int]) throws {
        let rows = CSV.rows(FileSystemPath.text(try DurableFile.read(path)))
        guard let heading = rows.first else { throw ReportError("\(path) is empty") }
        let names = ["path", "class", "predicted", "resolution", "rank"]
        let columns = try names.map { name in
            guard let column = heading.firstIndex(of: name) else {
                throw ReportError(
                    "\(path) has no column '\(name)': it is no file of 'drnet evaluate --predictions', whose columns are "
                        + names.joined(separator: ", "))
            }
            return column
        }
        let classes = Set(rows.dropFirst().flatMap { row in columns[1...2].compactMap { row.indices.contains($0) ? row[$0] : nil } })
            .sorted()
        let labels = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
        let found = Set(rows.dropFirst().compactMap { row in row.indices.contains(columns[3]) ? Int(row[columns[3]]) : nil })
        let candidates = resolutions.isEmpty ? found.sorted(by: >) : resolutions
        images = try rows.enumerated().dropFirst().map { number, row in
            guard row.count == heading.count, let resolution = Int(row[columns[3]]), let rank = Int(row[columns[4]]),
                (0..<1_000_000_000).contains(rank), let choice = candidates.firstIndex(of: resolution)
            else { throw ReportError("\(path), row \(number + 1), is no prediction of a run with the resolutions \(candidates)") }
            return Image(
                source: .file(FileSystemPath(row[columns[0]])), name: row[columns[0]], label: labels[row[columns[1]]] ?? 0,
                predicted: labels[row[columns[2]]] ?? 0, choice: choice, labelRank: rank)
        }
        self.classes = classes
        self.resolutions = candidates
        isDynamic = found.count > 1
        source = "\(path), with \(images.count) images"
        table = nil
        tableSource = nil
        differences = [:]
        curve = nil
    }

    /// Whether the answers at all resolutions are known.
    var hasFixedAnswers: Bool { images.first.map { !$0.fixedPredictions.isEmpty } ?? false }
}
