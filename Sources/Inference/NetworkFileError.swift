import Interchange
import NeuralNetwork

/// Errors of network files that do not fit the network, or have values that no network can use.
public enum NetworkFileError: Error, CustomStringConvertible {
    /// A tensor of a checkpoint has another shape than the network's.
    case shape(path: String, name: String, expected: [Int], actual: [Int])
    /// A pretrained file is of another network. Each list has every tensor once, with its shapes if these differ.
    case doesNotFit(path: String, key: String, missing: [String], shapes: [String], unknown: [String], hint: String)
    /// A pretrained file has several networks that fit, with these prefixes.
    case ambiguous(path: String, key: String, prefixes: [String])
    /// A pretrained file has no network with the prefix that the key asks for.
    case noPart(path: String, key: String, part: String, parts: [String])
    /// Two names of a pretrained file are equal without the names of wrappers.
    case clash(path: String, key: String, names: [String])
    /// A pretrained file has batch norms for another number of resolutions.
    case resolutions(path: String, key: String, file: Int, network: Int?)
    /// Tensors with NaN, infinite values or negative variances, each with the number of values.
    case values(path: String, tensors: [String])
    /// A last layer that is neither in the pretrained file nor trained by the run.
    case untrainedLastLayer(path: String, key: String, reason: String)

    public var description: String {
        switch self {
        case .shape(let path, let name, let expected, let actual):
            return "\(path): \(name) has the shape \(actual), the network needs \(expected); "
                + "are classifier.architecture and classifier.width right?"
        case .doesNotFit(let path, let key, let missing, let shapes, let unknown, let hint):
            let lists = [("missing", missing), ("of another shape", shapes), ("unknown", unknown)].filter { !$0.1.isEmpty }
            let lines = lists.map { "\n  \($0.0) (\($0.1.count)): \(Figures.list($0.1))" }
            return "\(path): \(key) does not fit the network. \(hint)\(lines.joined())"
        case .ambiguous(let path, let key, let prefixes):
            let names = prefixes.map { "'\($0)'" }
            return
                "\(path): \(key) has several networks that fit, with the prefixes \(Figures.list(names)). Choose one of them: "
                + "\(path)#\(prefixes[0])"
        case .noPart(let path, let key, let part, let parts):
            let names = parts.map { $0.isEmpty ? "none (an empty name after '#')" : "'\($0)'" }
            return "\(path): \(key) has no network with the prefix '\(part)'"
                + (names.isEmpty ? "" : ". The prefixes of networks in it: \(Figures.list(names))")
        case .clash(let path, let key, let names):
            return "\(path): \(key) has the same tensor twice: \(names.joined(separator: " and ")). Remove one of them from the file"
        case .resolutions(let path, let key, let file, let network):
            guard let network else {
                return "\(path): \(key) has batch norms for \(file) resolutions, and this network has plain ones; name a file of the same "
                    + "part of a run (classifier.safetensors or predictor.safetensors)"
            }
            return
                "\(path): \(key) has batch norms for \(file) resolutions, and the configuration has \(network): list the same resolutions "
                + "as the run that wrote the file, or start from a file with plain batch norms"
        case .values(let path, let tensors):
            return "\(path): these tensors have values that no network can use: \(Figures.list(tensors)). The training that wrote "
                + "the file had probably diverged; use an earlier file"
        case .untrainedLastLayer(let path, let key, let reason):
            return "\(path): \(key) has no last layer for this data, and no stage trains one: \(reason)"
        }
    }
}

/// Collects tensors whose values make every result of a network meaningless.
struct ValueDefects {
    /// One entry for each tensor, such as "conv1.weight (3 of 64 NaN or infinite)".
    private(set) var tensors: [String] = []

    mutating func check(_ values: [Float], of parameter: Parameter, named name: String) {
        let unusable = values.lazy.filter { !$0.isFinite }.count
        if unusable > 0 { report("\(name) (\(unusable) of \(values.count) NaN or infinite)") }
        let negative = parameter.name.hasSuffix("running_var") ? values.lazy.filter { $0 < 0 }.count : 0
        if negative > 0 { report("\(name) (\(negative) of \(values.count) variances negative)") }
    }

    func throwIfAny(path: String) throws {
        if !tensors.isEmpty { throw NetworkFileError.values(path: path, tensors: tensors) }
    }

    /// A batch norm's tensor that is copied to several resolutions is reported once.
    private mutating func report(_ text: String) {
        if tensors.last != text && !tensors.contains(text) { tensors.append(text) }
    }
}
