import DynamicResolution
import Foundation
import Interchange
import NeuralNetwork

/// `network.json` of an export for PyTorch: the structure of the networks. The weights are in `model.safetensors`, with torchvision's names
/// after `classifier.` and `decider.`. docs/examples/pytorch/drnet.py builds a module from both.
struct PyTorchDescription: Codable, Equatable {
    /// A network as a list of operations.
    struct Graph: Codable, Equatable {
        var operations: [Operation]
        /// The index of the operation whose output is the last layer's input; −1 for the network's input.
        var features: Int
    }

    struct Operation: Codable, Equatable {
        /// `convolution`, `relu`, `relu6`, `silu`, `hardSwish`, `logistic`, `hardLogistic`, `scale`, `sum`, `maximumPool`, `mean` or
        /// `linear`.
        var kind: String
        /// The path of the layer in the state dict, if it has parameters.
        var name: String?
        /// The indices of the operations whose outputs it takes; −1 for the network's input.
        var inputs: [Int]
        /// `convolution`: the path of its batch norm; with `copies`, the index of the resolution follows.
        var norm: String?
        var copies: Int?
        var epsilon: Double?
        var stride: Int?
        var padding: Int?
        var groups: Int?
        var kernel: Int?
    }

    /// What chooses resolutions.
    struct Decider: Codable, Equatable {
        /// `network`, `threshold` or `learned`.
        var kind: String
        /// 1 if the outputs are scores, −1 if they are losses.
        var sign: Int
        /// λ C_j, which is subtracted from the scores.
        var penalties: [Float]
        /// λ: `threshold` keeps the answer of the smallest resolution if 1 − p < λ.
        var costWeight: Double
        /// `learned`: the number of largest probabilities in its input, the smallest logarithm and the scale.
        var probabilities: Int
        var leastLogarithm: Double
        var logarithmScale: Double
        var graph: Graph?
    }

    var format = "drnet-pytorch"
    var version = 1
    var classifier: Graph
    /// Nil if all images take `fixedIndex`.
    var decider: Decider?
    var fixedIndex: Int
    var metadata: ExportMetadata
}

extension ExportedNetwork {
    func writePyTorch(to folder: String) throws -> [String] {
        try DurableFile.createFolder(folder)
        let (description, tensors) = try pyTorch()
        let (weights, file) = ("\(folder)/model.safetensors", "\(folder)/network.json")
        try SafetensorsFile.write(tensors, metadata: ["format": "pt"], to: weights)
        try JSON.write(description, to: file)
        return [weights, file]
    }

    func pyTorch() throws -> (PyTorchDescription, [NamedTensor]) {
        let classifier = try model.classifier.graph()
        let head = model.decider?.hasNetwork == true ? try model.predictor?.graph() : nil
        var tensors = Self.tensors(classifier, "classifier") + (head.map { Self.tensors($0, "decider") } ?? [])
        for index in [nil] + model.resolutions.indices.map(Optional.init) {
            guard let matrix = model.resizeMatrix(toResolution: index) else { continue }
            let name = index.map { "resize.\($0)" } ?? "resize.decider"
            tensors.append(NamedTensor(name: name, shape: [matrix.count / model.resolutions[0], model.resolutions[0]], values: matrix))
        }
        let description = PyTorchDescription(
            classifier: .init(classifier), decider: model.decider.map { decider($0, head) }, fixedIndex: model.fixedIndex,
            metadata: metadata)
        return (description, tensors)
    }

    private func decider(_ decider: Decider, _ graph: NetworkGraph?) -> PyTorchDescription.Decider {
        let kind: String
        switch decider {
        case .network: kind = "network"
        case .cascade(.threshold): kind = "threshold"
        case .cascade(.learned): kind = "learned"
        }
        return .init(
            kind: kind, sign: model.outputs == .losses ? -1 : 1, penalties: penalties, costWeight: costWeight,
            probabilities: min(CascadeEvidence.probabilityCount, model.classCount), leastLogarithm: CascadeEvidence.leastLogarithm,
            logarithmScale: CascadeEvidence.logarithmScale, graph: graph.map { .init($0) })
    }

    /// Trained parameters and running statistics of all operations.
    private static func tensors(_ graph: NetworkGraph, _ prefix: String) -> [NamedTensor] {
        graph.operations.flatMap { operation -> [Parameter] in
            switch operation.kind {
            case .convolution(let convolution):
                return [convolution.weight]
                    + convolution.norm.copies.flatMap { [$0.weight, $0.bias, $0.runningMean, $0.runningVariance] }
            case .linear(let weight, let bias): return [weight, bias]
            case .activation, .gates, .scale, .sum, .maximumPool, .mean: return []
            }
        }.map { NamedTensor(name: "\(prefix).\($0.name)", shape: $0.fileShape, values: $0.fileValues()) }
    }
}

extension PyTorchDescription.Graph {
    init(_ graph: NetworkGraph) {
        operations = graph.operations.map { .init($0) }
        features = graph.features.index
    }
}

extension NetworkValue {
    /// −1 for the network's input.
    fileprivate var index: Int {
        switch self {
        case .input: return -1
        case .operation(let index): return index
        }
    }
}

extension PyTorchDescription.Operation {
    init(_ operation: NetworkOperation) {
        inputs = operation.inputs.map(\.index)
        switch operation.kind {
        case .convolution(let convolution):
            kind = "convolution"
            name = operation.name
            norm = convolution.norm.name
            copies = convolution.norm.isResolutionAware ? convolution.norm.copies.count : nil
            epsilon = convolution.norm.epsilon
            (stride, padding, groups) = (convolution.stride, convolution.padding, convolution.groups)
        case .activation(.none): kind = "none"
        case .activation(.relu): kind = "relu"
        case .activation(.relu6): kind = "relu6"
        case .activation(.silu): kind = "silu"
        case .activation(.hardSwish): kind = "hardSwish"
        case .gates(.logistic): kind = "logistic"
        case .gates(.hardLogistic): kind = "hardLogistic"
        case .scale: kind = "scale"
        case .sum: kind = "sum"
        case .maximumPool(let kernel, let stride, let padding):
            kind = "maximumPool"
            (self.kernel, self.stride, self.padding) = (kernel, stride, padding)
        case .mean: kind = "mean"
        case .linear:
            kind = "linear"
            name = operation.name
        }
    }
}
