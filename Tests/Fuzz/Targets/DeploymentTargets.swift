import Configuration
import Inference

extension FuzzTarget {
    /// A deployment, and a table of times.
    static let deployment = FuzzTarget(
        name: "deployment",
        seeds: {
            let difference = #"{"value": 0, "low": -0.1, "high": 0.1}"#
            let deployment = """
                {"format": "drnet-deployment", "version": 1, "run": ".",
                "weights": {"step": 7, "files": {"classifier.safetensors": {"bytes": 1, "crc32": 2}}},
                "chooser": "thresholdCascade", "costWeight": 0.25,
                "resolutions": [96, 64], "classes": ["a"],
                "preprocessing": {"size": 96, "resizeRatio": 1, "views": [1, 1], "mean": [0.5, 0.5, 0.5], "standardDeviation": [1, 1, 1]},
                "costs": {"unit": "multiplyAdds", "gigaFLOPs": {"classifier": [2, 1], "predictor": 0, "isCascade": true}},
                "expected": {"images": 10, "top1": 0.5, "gigaFLOPs": 2, "crossFitted": {"top1": \(difference), "costShare": 1,
                "overLargest": \(difference), "overRandomMix": \(difference), "overBestFixed": \(difference)}}}
                """
            let table = """
                {"format": "drnet-costs", "version": 1, "table": {"networks": {"architecture": "resnet18", "width": 1,
                "resolutions": [96, 64], "decider": "none"}, "conditions": {"batchSize": 1, "threads": 2, "processor": "p"},
                "milliseconds": {"classifier": [2, 1], "predictor": 0, "isCascade": false}}}
                """
            return [Array(deployment.utf8), Array(table.utf8)]
        },
        run: { bytes in
            withFile(bytes, "deployment.json") { path in
                if let deployment = attempt({ try Deployment.read(path) }) {
                    _ = deployment.runFolder(from: path)
                    precondition(!deployment.description.isEmpty && deployment.costs.weighed.largest > 0)
                }
                if let table = attempt({ try CostTable.read(path) }) { precondition(table.problem == nil) }
            }
        })
}
