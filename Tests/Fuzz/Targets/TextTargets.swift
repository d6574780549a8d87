import Configuration
import Foundation
import ImageData
import Interchange

extension FuzzTarget {
    /// A configuration. Behind a NUL byte follow overrides, separated by NUL bytes.
    static let yaml = FuzzTarget(
        name: "yaml",
        seeds: {
            let small = """
                x-a: &a {base: 0.1, kind: step}
                resolutions: [96, 64]
                data: {folder: "photos \\u00e9"}
                classifier: {architecture: resnet18}
                optimizer: {batchSize: 32}
                stages:
                  warmUp: {epochs: 3, learningRate: {<<: [*a], base: 1e-1}}
                """
            let overrides = ["optimizer.batchSize=64", "data.folder=\"a #b\"", "stages.warmUp=null", "policy.flopsTarget=2.5G"]
            return try files(in: "configs", [".yaml"]) + [Array(small.utf8)]
                + overrides.map { Array(small.utf8) + [0] + Array($0.utf8) }
        },
        run: { bytes in
            let parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
            let overrides = parts.dropFirst().prefix(4).map { String(decoding: $0, as: UTF8.self) }
            guard
                let configuration = attempt({
                    try TrainingConfiguration.load(bytes: Data(parts[0]), path: "fuzz.yaml", overrides: Array(overrides))
                })
            else { return }
            let resolved = attempt {
                try TrainingConfiguration.load(bytes: Data(configuration.yaml().utf8), path: "config.yaml", overrides: [])
            }
            precondition(resolved == configuration, "config.yaml differs: \(configuration.yaml())")
            _ = configuration.warnings(rankCount: 3)
        })

    /// A table of comma-separated values, the cost of an image, and a fold.
    static let text = FuzzTarget(
        name: "text",
        seeds: {
            ["image,class\n\"a,\"\"b\"\"\",c\r\n", "2.5G", "0.6", "300M", "1e-3", "2/5", "\"\n\""].map { Array($0.utf8) }
        },
        run: { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            let rows = CSV.rows(text)
            precondition(CSV.rows(CSV.text(rows)) == rows, "\(rows)")
            _ = ComputeCost(text, largestShare: 1).map { cost in
                if case .multiplyAdds(let count) = cost { precondition(count.isFinite && count > 0) }
            }
            _ = CrossValidationFold(text)
        })

    /// The manifest of a checkpoint, and the mark of the best one.
    static let manifest = FuzzTarget(
        name: "manifest",
        seeds: {
            [
                Array(#"{"files": {}, "state": "{}", "stateCRC32": 2745614147, "step": 5, "version": 1}"#.utf8),
                Array(#"{"files": {"a": {"bytes": 1, "crc32": 2}}, "state": "", "stateCRC32": 0, "step": 1, "version": 1}"#.utf8),
                Array(#"{"version": 99}"#.utf8), Array(#"{"checkpoint": "step-000000005"}"#.utf8),
            ]
        },
        run: { bytes in
            for name in ["step-000000005/manifest.json", "best.json"] {
                withFile(bytes, name) { path in
                    let folder = name == "best.json" ? (path as NSString).deletingLastPathComponent : String(path.dropLast(name.count + 1))
                    let store = CheckpointStore(folder: folder, keep: 1)
                    _ = attempt { try store.newestValid { _ in } }
                    _ = attempt { try store.best { _ in } }
                }
            }
        })
}
