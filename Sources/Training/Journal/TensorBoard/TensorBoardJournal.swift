import Configuration
import Evaluation
import Foundation
import ImageData
import Inference
import TensorBoard

/// Writes the records of metrics.jsonl, photographs and hyper-parameters for TensorBoard. On rank 0 only, with `metrics.tensorBoard`.
final class TensorBoardJournal {
    private let log: EventLog
    private let resolutions: [Int]
    private let metricsPath: String

    /// Begins an event file.
    ///
    /// - Parameters:
    ///   - configuration: of the run.
    ///   - runFolder: whose folder for event files receives the file.
    ///   - position: where a resumed run continues; nil for a new run. The events of that step are written again, because the records of
    ///     its evaluation can be incomplete.
    ///   - writer: of the file.
    ///   - warn: receives sentences for a person.
    init(
        _ configuration: TrainingConfiguration, _ runFolder: RunFolder, after position: MetricsWriter.Position?,
        writer: EventLog.Writer = EventLog.Writer(), warn: @escaping (String) -> Void
    ) {
        resolutions = configuration.resolutions
        metricsPath = runFolder.metrics
        log = EventLog(folder: runFolder.tensorBoard, voidFrom: position?.step, writer: writer, warn: warn)
        log.begin(Self.hyperParameters(configuration), metrics: Self.metrics(configuration))
    }

    /// Keys that do not change what a run learns.
    private static let operation = [
        "checkpoints.", "communication.", "divergence.", "evaluation.", "kernels.", "metrics.", "data.folder", "data.decodingThreads",
        "data.prefetchBatches",
    ]

    static func hyperParameters(_ configuration: TrainingConfiguration) -> [String: HyperParameter] {
        configuration.values
            .filter { key, value in value != "null" && !operation.contains { key.hasPrefix($0) } }
            .mapValues(HyperParameter.init(yaml:))
    }

    /// The tags that the tab HPARAMS shows.
    private static func metrics(_ configuration: TrainingConfiguration) -> [String] {
        let decided = configuration.predictor.kind == .none ? [] : [Way.dynamic]
        let ways = decided + configuration.resolutions.map { Way.fixed(resolution: $0) }
        return ways.flatMap { way in ["top1", "gigaFLOPs"].map { RecordScalars.tag("final", $0, way) } }
    }

    /// Adds the numbers of a record.
    ///
    /// - Parameter line: of metrics.jsonl.
    func add(_ line: Data) {
        // The lines are this run's own.
        guard let record = try? RecordScalars(line: line, resolutions: resolutions, path: metricsPath) else { return }
        log.add(record.scalars, step: record.step)
    }

    /// Adds pictures of validation images at the resolutions that were chosen for them.
    ///
    /// - Parameters:
    ///   - results: of all validation images.
    ///   - samples: the validation images.
    ///   - group: the part of the tags before the resolution.
    ///   - step: of the run.
    func add(_ results: [ImageResult], of samples: [ImageDataset.Sample], group: String, step: Int) {
        log.add(ChosenPhotographs.pictures(results, samples, resolutions: resolutions, group: group), step: step)
    }

    /// Marks the run as complete.
    func end() { log.end() }
}
