import Foundation
import Interchange
import NeuralNetwork

/// Reads and writes a network's parameters and running statistics as a safetensors file, with torchvision's names and layouts. The names of
/// the copies of a batch norm contain the index of the resolution, as those of a torch.nn.ModuleList: `bn1.0.weight`.
public enum NetworkFile {
    /// All parameters and running statistics of a network.
    public static func tensors(of network: Network) -> [NamedTensor] {
        (network.arena.parameters + network.arena.statistics).map {
            NamedTensor(name: $0.name, shape: $0.fileShape, values: $0.fileValues())
        }
    }

    /// Loads a file that this project wrote for a network of the same architecture.
    public static func load(_ path: String, into network: Network) throws {
        let file = try SafetensorsFile(contentsOf: path)
        for parameter in network.arena.parameters + network.arena.statistics {
            try load(parameter, from: file, named: parameter.name, path: path)
        }
    }

    /// Loads a pretrained network. The file is one of this project or torchvision's state dict. Each batch norm of a state dict is copied
    /// to all resolutions. A last layer for another number of classes keeps its initialisation.
    ///
    /// - Returns: sentences for a person: tensors that are trained from scratch, and tensors of the file that are not used.
    public static func loadPretrained(_ path: String, into network: Network) throws -> [String] {
        let file = try SafetensorsFile(contentsOf: path)
        var available = Dictionary(
            file.names.map { ($0.hasPrefix("module.") ? String($0.dropFirst(7)) : $0, $0) },
            uniquingKeysWith: { first, _ in first })
        var unused = Set(available.keys)
        var notes: [String] = []
        var missing: [String] = []
        for parameter in network.arena.parameters + network.arena.statistics {
            guard let name = [parameter.name, parameter.nameOfSingleCopy].compactMap({ $0 }).first(where: { available[$0] != nil })
            else {
                missing.append(parameter.name)
                continue
            }
            unused.remove(name)
            let stored = available[name] ?? name
            if parameter.isOfLastLayer, let shape = try? file.shape(of: stored), shape != parameter.fileShape {
                notes.append("\(path): \(name) has the shape \(shape), the data needs \(parameter.fileShape): it is trained from scratch")
                continue
            }
            try load(parameter, from: file, named: stored, path: path)
        }
        guard missing.isEmpty else { throw NetworkFileError.missing(path: path, names: missing, file: file.names) }
        unused = unused.filter { !$0.hasSuffix("num_batches_tracked") }
        if !unused.isEmpty {
            notes.append("\(path): not used: \(unused.sorted().prefix(5).joined(separator: ", "))\(unused.count > 5 ? ", …" : "")")
        }
        available.removeAll()
        return notes
    }

    private static func load(_ parameter: Parameter, from file: SafetensorsFile, named name: String, path: String) throws {
        let shape = try file.shape(of: name)
        guard shape == parameter.fileShape else {
            throw NetworkFileError.shape(path: path, name: name, expected: parameter.fileShape, actual: shape)
        }
        parameter.setFileValues(try file.floats(of: name))
    }
}

/// Errors of network files that do not fit the network.
public enum NetworkFileError: Error, CustomStringConvertible {
    case missing(path: String, names: [String], file: [String])
    case shape(path: String, name: String, expected: [Int], actual: [Int])

    public var description: String {
        switch self {
        case .missing(let path, let names, let file):
            return "\(path): \(names.count) tensors of the network are missing, such as \(names.prefix(3).joined(separator: ", ")); "
                + "the file has \(file.sorted().prefix(3).joined(separator: ", ")), …; is classifier.architecture right?"
        case .shape(let path, let name, let expected, let actual):
            return "\(path): \(name) has the shape \(actual), the network needs \(expected); "
                + "are classifier.architecture and classifier.width right?"
        }
    }
}
