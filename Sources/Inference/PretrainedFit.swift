import Interchange
import NeuralNetwork

/// Which tensor of a pretrained file each tensor of a network takes its values from.
struct PretrainedFit {
    /// The tensors to load, with their names in the file.
    private(set) var sources: [(tensor: NetworkTensors.Tensor, stored: String)] = []
    private(set) var hasLastLayer = false
    private(set) var notes: [String] = []
    /// Tensors of a last layer for another number of classes.
    private var unfitLastLayer: [String] = []

    private let file: any TensorFile
    private let names: PretrainedNames
    private let needed: NetworkTensors
    private let path: String

    /// Names of the last layer in other libraries.
    private static let lastLayers = [
        "fc", "classifier", "classifier.1", "classifier.3", "classifier.fc", "head", "head.fc", "last_linear", "linear",
    ]

    /// Finds the file's tensor of each tensor.
    ///
    /// - Throws: `NetworkFileError` if the file is of another network.
    init(_ file: any TensorFile, _ names: PretrainedNames, _ needed: NetworkTensors, path: String, key: String) throws {
        (self.file, self.names, self.needed, self.path) = (file, names, needed, path)
        if let note = names.note { notes.append(note) }
        let (missing, shapes) = try findTensors(fileCopies: try checkedCopies(key))
        try findLastLayer()
        guard missing.isEmpty, shapes.isEmpty, names.namesOfAnotherNetwork(needed).isEmpty else {
            let unknown = unused(besides: names.stored.values.flatMap(\.values) + sources.map(\.stored) + unfitLastLayer)
            throw NetworkFileError.doesNotFit(
                path: path, key: key, missing: missing, shapes: shapes, unknown: unknown,
                hint: try NetworkHint.text(file, path: path, key: key))
        }
        let unused = unused(besides: sources.map(\.stored) + unfitLastLayer)
        if !unused.isEmpty { notes.append("\(path): not used (\(unused.count)): \(Figures.list(unused))") }
    }

    /// Names of the file that nothing needs, sorted. PyTorch counts batches in each batch norm, and updates in averages of weights. A
    /// checkpoint of a training also has the state of optimisers.
    private func unused(besides used: [String]) -> [String] {
        Set(file.names).subtracting(used).filter { name in
            !["num_batches_tracked", "n_averaged"].contains(where: name.hasSuffix) && !name.hasPrefix("optimizer")
        }.sorted()
    }

    /// Returns the number of resolutions that the file's batch norms are for. Refuses another number than the network's, except one: batch
    /// norms of one resolution are as good as plain ones.
    private func checkedCopies(_ key: String) throws -> Int {
        let copies = needed.batchNormNames.compactMap { names.stored[$0]?.keys.compactMap { $0 }.max() }.max().map { $0 + 1 } ?? 1
        guard copies == 1 || copies == needed.copies else {
            throw NetworkFileError.resolutions(path: path, key: key, file: copies, network: needed.copies)
        }
        return copies
    }

    /// Finds all tensors except those of the last layer. Returns what is missing and what has another shape, each once.
    private mutating func findTensors(fileCopies: Int) throws -> (missing: [String], shapes: [String]) {
        var (missing, shapes): ([String], [String]) = ([], [])
        for tensor in needed.tensors where !tensor.parameter.isOfLastLayer {
            let copies = names.stored[tensor.plainName] ?? [:]
            // A copy's own name, the plain name, the only copy.
            guard let stored = (copies[tensor.copy] ?? copies[nil]) ?? (fileCopies == 1 ? copies[0] : nil) else {
                missing.append(copies.isEmpty ? tensor.plainName : tensor.parameter.name)
                continue
            }
            let shape = try file.shape(of: stored)
            if Self.isSame(shape, tensor.parameter.fileShape) {
                sources.append((tensor, stored))
            } else {
                shapes.append("\(stored) \(shape) in place of \(tensor.parameter.fileShape)")
            }
        }
        return (missing.withoutRepetitions, shapes.withoutRepetitions)
    }

    /// Extents of 1 do not matter: a 1×1 convolution [N, C, 1, 1] is a linear layer [N, C].
    static func isSame(_ first: [Int], _ second: [Int]) -> Bool {
        first == second || first.filter { $0 != 1 } == second.filter { $0 != 1 }
    }

    // MARK: - The last layer

    /// Finds the last layer, under its own name or another library's. All of its tensors are loaded, or none.
    private mutating func findLastLayer() throws {
        let tensors = needed.tensors.filter(\.parameter.isOfLastLayer)
        guard let own = tensors.first?.plainName.splitAtLastDot.layer else { return }
        var reason = "has no last layer (\(tensors.map(\.plainName).joined(separator: ", ")))"
        for place in outerPrefixes() {
            for layer in [own] + Self.lastLayers.filter({ $0 != own }) {
                let found = tensors.compactMap { tensor in
                    names.unwrapped["\(place)\(layer).\(tensor.plainName.splitAtLastDot.name)"].map { (tensor, $0) }
                }
                guard found.count == tensors.count else { continue }
                if let other = try found.first(where: { !Self.isSame(try file.shape(of: $0.1), $0.0.parameter.fileShape) }) {
                    // The first layer that is found explains the most.
                    if unfitLastLayer.isEmpty {
                        unfitLastLayer = found.map(\.1)
                        reason = "\(other.1) has the shape \(try file.shape(of: other.1)), the data needs \(other.0.parameter.fileShape)"
                    }
                    continue
                }
                sources += found.map { (tensor: $0.0, stored: $0.1) }
                hasLastLayer = true
                if layer != own || place != names.prefix { notes.append("\(path): the last layer is \(place)\(layer)") }
                return
            }
        }
        notes.append("\(path): \(reason): the last layer is trained from scratch")
    }

    /// The prefix, and the prefixes of the modules around it: `model.backbone.`, `model.` and none.
    private func outerPrefixes() -> [String] {
        var parts = names.prefix.split(separator: ".").map(String.init)
        var prefixes = [names.prefix]
        while parts.popLast() != nil { prefixes.append(parts.map { $0 + "." }.joined()) }
        return prefixes
    }
}

extension [String] {
    fileprivate var withoutRepetitions: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
