import Foundation
import Interchange

/// The folder of a run.
public struct RunFolder: Sendable {
    public let path: String

    public init(path: String) {
        self.path = path
    }

    /// The resolved configuration.
    public var configuration: String { path + "/config.yaml" }
    /// Versions, and the ranks on their hosts.
    public var environment: String { path + "/environment.json" }
    /// The implementation of matrix products that the run began with.
    public var kernels: String { path + "/kernels.json" }
    public var metrics: String { path + "/metrics.jsonl" }
    /// Event files, with `metrics.tensorBoard`.
    public var tensorBoard: String { path + "/tensorboard" }
    public var checkpoints: String { path + "/checkpoints" }
    public var evaluationData: String { path + "/evaluation.json" }
    public var evaluationTable: String { path + "/evaluation.txt" }
    /// The last budget that the run was evaluated at.
    public var budget: String { path + "/budget.json" }
    /// The way to use the weights that was recommended last.
    public var deployment: String { path + "/deployment.json" }
    /// The page that `drnet report` wrote last.
    public var report: String { path + "/report.html" }

    /// What `drnet export` writes without another path: a file of ONNX, its parts, and the files for PyTorch.
    public var exports: [String] { ["drnet.onnx", "onnx-parts", "pytorch"].map { "\(path)/\($0)" } }

    /// One file for each rank that ended abnormally in the last start, and those of earlier starts.
    public var crashes: String { path + "/crashes" }

    /// All files and folders of a run.
    package var files: [String] {
        [
            configuration, environment, kernels, metrics, tensorBoard, checkpoints, evaluationData, evaluationTable, budget, deployment,
            report, crashes,
        ] + exports
    }
}
