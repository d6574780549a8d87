import Foundation
import Interchange

/// Finds the file of pretrained weights that a path names: a file, the folder of a run, its folder of checkpoints, one checkpoint, or the
/// folder of a model in several safetensors files.
enum PretrainedSource {
    /// Splits the value of a key into a path and, after '#', the prefix of the names to load. A path can have a '#' of its own: whatever
    /// exists is a path.
    static func split(_ value: String) -> (path: String, part: String?) {
        guard let mark = value.lastIndex(of: "#"), ((try? DurableFile.kind(of: value)) ?? nil) == nil else { return (value, nil) }
        return (String(value[..<mark]), String(value[value.index(after: mark)...]))
    }

    /// Returns the path of the file.
    ///
    /// - Parameters:
    ///   - path: of a file or folder.
    ///   - file: the name of the file in a checkpoint (`CheckpointFiles`).
    ///   - key: the configuration's key that has the path, for messages.
    ///   - note: receives sentences for a person: which file is used, and which checkpoints are damaged.
    /// - Throws: `PretrainedSourceError` if the folder has no such file; `InterchangeError` if a checkpoint cannot be read.
    static func file(_ path: String, _ file: String, key: String, note: (String) -> Void) throws -> String {
        // What cannot be read as a folder is opened as a file, which gives the reason.
        guard (try? DurableFile.kind(of: path)) == .folder else { return path }
        let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let names = try DurableFile.names(in: folder)
        let found: String
        if names.contains("checkpoints") {
            found = try newest(in: "\(folder)/checkpoints", file, key: key, note: note)
        } else if names.contains(where: { $0.hasPrefix("step-") }) {
            found = try newest(in: folder, file, key: key, note: note)
        } else if names.contains(file) {
            if names.contains("manifest.json") { try Checkpoint.requireUndamaged(folder: folder) }
            found = "\(folder)/\(CheckpointFiles.inferred(file, among: names))"
        } else if names.contains(TensorFiles.indexName) {
            found = "\(folder)/\(TensorFiles.indexName)"
        } else {
            throw PretrainedSourceError(path: path, key: key, file: file, names: names)
        }
        note("\(key): \(found) is used")
        return found
    }

    private static func newest(in checkpoints: String, _ file: String, key: String, note: (String) -> Void) throws -> String {
        var problems: [String] = []
        let store = CheckpointStore(folder: checkpoints, keep: 1)
        let found = try store.newestValid { problems.append($0) }
        problems.forEach(note)
        guard let found else {
            throw PretrainedSourceError(path: checkpoints, key: key, file: file, names: try DurableFile.names(in: checkpoints))
        }
        let names = try DurableFile.names(in: found.folder)
        guard names.contains(file) else {
            throw PretrainedSourceError(path: found.folder, key: key, file: file, names: names)
        }
        return found.path(CheckpointFiles.inferred(file, among: names))
    }
}

/// A folder without the weights that a key needs.
struct PretrainedSourceError: Error, CustomStringConvertible {
    var path: String
    var key: String
    var file: String
    var names: [String]

    var description: String {
        let start = "\(path): \(key) is a folder"
        let weights = names.filter { name in [".safetensors", ".pth", ".pt"].contains(where: name.hasSuffix) }.sorted()
        if names.contains(where: { $0.hasPrefix("step-") }) { return "\(start) without a valid checkpoint: name another run, or a file" }
        if names.contains("manifest.json") {
            return
                "\(start) of a checkpoint without \(file), which only a run with stages.fineTune has: name another run, or remove the key"
        }
        if !weights.isEmpty { return "\(start): name the file, such as \(path)/\(weights[0])" }
        return "\(start) without weights: name a file of weights (safetensors or .pth), the folder of a run, or a checkpoint (step-…)"
    }
}
