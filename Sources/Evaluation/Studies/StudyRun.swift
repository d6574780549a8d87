import Configuration
import Inference
import Foundation
import ImageData
import Interchange

/// A finished run of a study, read from its folder.
struct StudyRun {
    /// The last part of the folder's name.
    var variant: String
    var seed: UInt64
    var fold: CrossValidationFold?
    var evaluation: Evaluation
    /// How long the steps of fine-tuning took; nil where the run has too few records of them.
    var fineTuneSeconds: Double?
    /// What the collapse monitor said.
    var warnings: [String]

    /// Where the run stands in the study.
    var place: String { Self.place(seed: seed, fold: fold) }

    static func place(seed: UInt64, fold: CrossValidationFold?) -> String {
        "seed \(seed)" + (fold.map { ", fold \($0)" } ?? "")
    }

    /// What a folder holds.
    enum Found {
        case run(StudyRun)
        case unfinished(String)
        /// No run, or one that fine-tunes nothing.
        case other
    }

    static func find(in folder: RunFolder) throws -> Found {
        let manager = FileManager.default
        guard manager.fileExists(atPath: folder.configuration) else { return .other }
        let configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
        guard configuration.stages.fineTune != nil else { return .other }
        guard manager.fileExists(atPath: folder.evaluationData) else { return .unfinished(folder.path) }
        let evaluation = try JSON.read(Evaluation.self, from: folder.evaluationData)
        let fixed = evaluation.resolutions.compactMap { evaluation.fixed($0) }
        guard evaluation.dynamic != nil, evaluation.randomWithSameShares != nil, fixed.count == evaluation.resolutions.count else {
            throw InterchangeError.malformed(
                path: folder.evaluationData, reason: "it lacks rows; write it anew with 'drnet evaluate \(folder.path)'")
        }
        let lines = MetricsLine.read(folder.metrics)
        return .run(
            StudyRun(
                variant: URL(fileURLWithPath: folder.path).lastPathComponent, seed: configuration.seed, fold: configuration.data.fold,
                evaluation: evaluation,
                fineTuneSeconds: MetricsLine.seconds(lines, stage: "fineTune", batchSize: configuration.optimizer.batchSize),
                warnings: lines.filter { $0.kind == "event" && $0.stage == "fineTune" }.compactMap(\.message)))
    }
}

/// What a study reads of a line of metrics.jsonl.
private struct MetricsLine: Decodable {
    var kind: String
    var stage: String
    var epoch: Int
    var step: Int
    var imagesPerSecond: Double?
    var message: String?

    /// Lines that are no records are left out, such as the torn last one of a run that was killed.
    static func read(_ path: String) -> [MetricsLine] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { try? JSON.decode(MetricsLine.self, from: Data($0.utf8), source: path) }
    }

    /// For each epoch of a stage, its steps times their median duration: medians resist what else the machine does, and where the run was
    /// interrupted nothing is missing. Nil where an epoch has no record of a step.
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
