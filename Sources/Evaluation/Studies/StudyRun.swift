import Configuration
import Foundation
import ImageData
import Inference
import Interchange

/// A finished run of a study, read from its folder.
struct StudyRun {
    /// The last component of the folder's path.
    var variant: String
    var seed: UInt64
    var fold: CrossValidationFold?
    var evaluation: Evaluation
    var rows: ComparedRows
    /// Time of the steps of fine-tuning; nil if an epoch has no record of a step.
    var fineTuneSeconds: Double?
    /// The warnings of the collapse monitor.
    var warnings: [String]

    /// Seed and fold, which identify the run among those of its variant.
    var place: String { Self.place(seed: seed, fold: fold) }

    static func place(seed: UInt64, fold: CrossValidationFold?) -> String {
        "seed \(seed)" + (fold.map { ", fold \($0)" } ?? "")
    }

    /// The content of a folder.
    enum Found {
        case run(StudyRun)
        case unfinished(String)
        /// No run, or a run without a decider.
        case other
    }

    /// - Throws: `ConfigurationError` or `InterchangeError` for a run whose files cannot be read.
    static func find(in folder: RunFolder) throws -> Found {
        guard try DurableFile.kind(of: folder.configuration) == .file else { return .other }
        let configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        guard configuration.decider != nil else { return .other }
        guard try DurableFile.kind(of: folder.evaluationData) != nil else { return .unfinished(folder.path) }
        let evaluation = try JSON.read(Evaluation.self, from: folder.evaluationData)
        guard let rows = ComparedRows(evaluation) else {
            throw InterchangeError.malformed(
                path: folder.evaluationData, reason: "it lacks rows; run 'drnet evaluate \(folder.path)' to write them")
        }
        let lines = try MetricsLine.read(folder.metrics)
        return .run(
            StudyRun(
                variant: URL(fileURLWithPath: folder.path).lastPathComponent, seed: configuration.seed, fold: configuration.data.fold,
                evaluation: evaluation, rows: rows,
                fineTuneSeconds: MetricsLine.seconds(lines, stage: "fineTune", batchSize: configuration.optimizer.batchSize),
                warnings: lines.filter { $0.kind == "event" && $0.stage == "fineTune" }.compactMap(\.message)))
    }
}

/// The fields of a line of metrics.jsonl that a study uses.
private struct MetricsLine: Decodable {
    var kind: String
    var stage: String
    var epoch: Int
    var step: Int
    var imagesPerSecond: Double?
    var message: String?

    /// Skips lines that are not records, such as the incomplete last line of a run that was killed. A run can lack the file.
    static func read(_ path: String) throws -> [MetricsLine] {
        guard try DurableFile.kind(of: path) != nil else { return [] }
        let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
        return text.split(separator: "\n").compactMap { try? JSON.decode(MetricsLine.self, from: Data($0.utf8), source: path) }
    }

    /// The sum over a stage's epochs of the number of steps times their median duration. The median is robust against other work on the
    /// machine, and the sum is complete for a run that was interrupted and resumed.
    ///
    /// - Returns: nil if an epoch has no record of a step.
    static func seconds(_ lines: [MetricsLine], stage: String, batchSize: Int) -> Double? {
        let epochs = lines.filter { $0.kind == "epoch" }
        var seconds: [Double] = []
        for (index, epoch) in epochs.enumerated() where epoch.stage == stage {
            let steps = epoch.step - (index > 0 ? epochs[index - 1].step : 0)
            let durations = lines.filter { $0.kind == "step" && $0.stage == stage && $0.epoch == epoch.epoch }
                .compactMap { $0.imagesPerSecond.map { Double(batchSize) / $0 } }
            guard let median = durations.median else { return nil }
            seconds.append(Double(steps) * median)
        }
        return seconds.isEmpty ? nil : seconds.reduce(0, +)
    }
}
