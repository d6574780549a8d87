import Foundation
import Interchange

/// The kinds of files that a network can be written as.
public enum ExportFormat: String, CaseIterable, Sendable {
    /// One file of ONNX that decides and classifies.
    case onnx
    /// A file of ONNX for the decision, and one for each resolution.
    case onnxParts = "onnx-parts"
    /// Weights and the structure of the networks, for PyTorch.
    case pytorch

    /// Whether the result is a folder.
    public var isFolder: Bool { self != .onnx }
}

extension ExportedNetwork {
    /// Writes the network.
    ///
    /// - Parameters:
    ///   - format: the kind of files.
    ///   - batch: the number of images that the ONNX files take. PyTorch takes any number.
    ///   - path: of the file or the folder. A folder is created, and its files of the same names are replaced.
    /// - Returns: the paths of the files.
    /// - Throws: an error that names the file, or the layer that cannot be exported.
    public func write(_ format: ExportFormat, batch: BatchSize, to path: String) throws -> [String] {
        switch format {
        case .onnx:
            try ONNXFile.write(ONNXNetwork(self, batch: batch).whole(), metadata, to: path)
            return [path]
        case .onnxParts: return try writeParts(ONNXNetwork(self, batch: batch), to: path)
        case .pytorch: return try writePyTorch(to: path)
        }
    }

    private func writeParts(_ parts: ONNXNetwork, to folder: String) throws -> [String] {
        try DurableFile.createFolder(folder)
        var files: [String] = []
        func write(_ graph: ONNXGraph, _ name: String) throws -> String {
            let file = "\(name).onnx"
            files.append("\(folder)/\(file)")
            try ONNXFile.write(graph, metadata, to: "\(folder)/\(file)")
            return file
        }
        let decider = try parts.decider().map {
            PartsManifest.Decider(file: try write($0, "decider"), answersSmallest: model.decider?.isCascade ?? false)
        }
        let candidates = candidates
        let classifiers = try model.resolutions.enumerated().map { index, resolution in
            PartsManifest.Classifier(
                resolution: resolution,
                file: candidates.contains(index) ? try write(parts.classifier(index), "classifier-\(resolution)") : nil)
        }
        // The manifest comes last: a folder with a manifest is complete.
        let manifest = PartsManifest(decider: decider, classifiers: classifiers, metadata: metadata)
        try JSON.write(manifest, to: "\(folder)/manifest.json")
        return files + ["\(folder)/manifest.json"]
    }
}
