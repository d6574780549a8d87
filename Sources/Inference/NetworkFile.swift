import Foundation
import Interchange
import NeuralNetwork

/// Reads and writes a network's parameters and running statistics as a safetensors file, with torchvision's names and layouts. The names of
/// the copies of a batch norm contain the index of the resolution, as those of a torch.nn.ModuleList: `bn1.0.weight`.
public enum NetworkFile {
    /// All parameters and running statistics of a network.
    public static func tensors(of network: Network) -> [NamedTensor] {
        network.tensors.map { NamedTensor(name: $0.name, shape: $0.fileShape, values: $0.fileValues()) }
    }

    /// Loads a file that this project wrote for a network of the same architecture.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - network: receives the values.
    ///   - requiringFinite: whether to refuse values that make every prediction meaningless: NaN, infinities, negative variances.
    /// - Throws: `NetworkFileError`, `InterchangeError` or `ForeignFileError`.
    public static func load(_ path: String, into network: Network, requiringFinite: Bool = false) throws {
        try load(try SafetensorsFile(contentsOf: path), path: path, into: network, requiringFinite: requiringFinite)
    }

    /// Loads an opened file; see the other method of this name.
    package static func load(_ file: SafetensorsFile, path: String, into network: Network, requiringFinite: Bool) throws {
        var defects = ValueDefects()
        for parameter in network.tensors {
            let shape = try file.shape(of: parameter.name)
            guard shape == parameter.fileShape else {
                throw NetworkFileError.shape(path: path, name: parameter.name, expected: parameter.fileShape, actual: shape)
            }
            let values = try file.floats(of: parameter.name)
            if requiringFinite { defects.check(values, of: parameter, named: parameter.name) }
            parameter.setFileValues(values)
        }
        try defects.throwIfAny(path: path)
    }

    /// Loads a pretrained network. The file is one of this project, or a state dict with torchvision's or timm's names, as safetensors or
    /// as a PyTorch checkpoint (`TensorFiles`). A prefix that all names have, such as `module.` or `backbone.`, is left out. Each batch
    /// norm of a state dict is copied to all resolutions. A last layer that is missing or for another number of classes keeps its
    /// initialisation.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - network: receives the values. They are undefined after an error.
    ///   - key: the configuration's key that names the file, for messages.
    ///   - part: the prefix of the names to load, such as `state_dict`; nil: the one that fits best, an average of the weights if there is
    ///     one.
    /// - Returns: what was loaded, with notes for a person.
    /// - Throws: `NetworkFileError`, `InterchangeError`, `PyTorchFileError` or `ForeignFileError`.
    public static func loadPretrained(
        _ path: String, into network: Network, key: String = "classifier.pretrained", part: String? = nil
    ) throws -> PretrainedResult {
        try loadPretrained(try TensorFiles.open(path), path: path, into: network, key: key, part: part)
    }

    /// Loads an opened file; see the other method of this name.
    package static func loadPretrained(
        _ file: any TensorFile, path: String, into network: Network, key: String, part: String? = nil
    ) throws -> PretrainedResult {
        let (needed, names) = try self.names(file, of: network, path: path, key: key, part: part)
        let fit = try PretrainedFit(file, names, needed, path: path, key: key)
        var notes = fit.notes
        if needed.naming == .timm { notes += timmNotes(network.definition, path: path) }
        var defects = ValueDefects()
        var zeros: [String] = []
        for (tensor, stored) in fit.sources {
            let values = try file.floats(of: stored)
            defects.check(values, of: tensor.parameter, named: stored)
            if tensor.parameter.layout != .plain, values.allSatisfy({ $0 == 0 }) { zeros.append(stored) }
            tensor.parameter.setFileValues(values)
        }
        try defects.throwIfAny(path: path)
        if !zeros.isEmpty {
            notes.append("warning: \(path): the weights of \(Figures.list(zeros)) are all zero; is the file complete?")
        }
        return PretrainedResult(notes: notes, hasLastLayer: fit.hasLastLayer)
    }

    /// Finds the network's tensors in a file by torchvision's names, or by timm's if these find more.
    private static func names(
        _ file: any TensorFile, of network: Network, path: String, key: String, part: String?
    ) throws -> (NetworkTensors, PretrainedNames) {
        let needed = NetworkTensors(network)
        let names = try? PretrainedNames(file.names, for: needed, path: path, key: key, part: part)
        if !network.definition.architecture.timmNames.isEmpty, names?.stored.count ?? 0 < needed.names.count {
            let other = NetworkTensors(network, naming: .timm)
            if let found = try? PretrainedNames(file.names, for: other, path: path, key: key, part: part),
                found.stored.count > names?.stored.count ?? 0
            {
                return (other, found)
            }
        }
        return (needed, try names ?? PretrainedNames(file.names, for: needed, path: path, key: key, part: part))
    }

    /// timm's batch norms have PyTorch's ε in all networks here. torchvision's MobileNetV3 has another one.
    private static func timmNotes(_ definition: NetworkDefinition, path: String) -> [String] {
        let epsilon = 1e-5
        guard definition.batchNormEpsilon != epsilon else { return ["\(path): its layers have timm's names"] }
        return [
            "warning: \(path): its layers have timm's names. timm's batch norms have the epsilon \(epsilon), the configuration has "
                + "\(definition.batchNormEpsilon): set batchNorm.epsilon to 1e-5"
        ]
    }
}

/// What a pretrained file gave.
public struct PretrainedResult: Equatable, Sendable {
    /// Sentences for a person: names that were changed, tensors that are trained from scratch, and tensors of the file that are not used.
    public var notes: [String]
    /// False if the last layer keeps its initialisation.
    public var hasLastLayer: Bool
}
