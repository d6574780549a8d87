import NeuralNetwork

/// The tensors of a network, with the names that they have without copies of batch norms.
struct NetworkTensors: Sendable {
    struct Tensor: Sendable {
        var parameter: Parameter
        /// torchvision's or timm's name: that of a batch norm's copy has no index of the resolution.
        var plainName: String
        /// The index of the resolution of a batch norm's copy.
        var copy: Int?
    }

    let tensors: [Tensor]
    /// Copies of each batch norm; nil if they are plain.
    let copies: Int?
    /// The plain names of all tensors, except those of the last layer.
    let names: Set<String>
    /// Those of `names` that belong to batch norms.
    let batchNormNames: Set<String>
    /// The first parts of all names, such as `layer1`.
    let modules: Set<String>

    /// Whose names the plain names are.
    let naming: Naming

    /// The library that gives the layers their names.
    enum Naming: String, CaseIterable, Sendable {
        case torchvision
        case timm
    }

    init(_ network: Network, naming: Naming = .torchvision) {
        self.init(network.tensors, network.definition, naming)
    }

    init(_ definition: NetworkDefinition, naming: Naming = .torchvision) {
        self.init(definition.tensors, definition, naming)
    }

    private init(_ parameters: [Parameter], _ definition: NetworkDefinition, _ naming: Naming) {
        let copies = definition.resolutionCount
        self.copies = copies
        self.naming = naming
        let others = naming == .timm ? definition.architecture.timmNames : [:]
        let layers = Set(parameters.compactMap { $0.name.hasSuffix(".running_mean") ? $0.name.splitAtLastDot.layer : nil })
        tensors = parameters.map { parameter in
            let (layer, name) = parameter.name.splitAtLastDot
            guard copies != nil, layers.contains(layer) else {
                return Tensor(parameter: parameter, plainName: "\(others[layer] ?? layer).\(name)", copy: nil)
            }
            let (shared, index) = layer.splitAtLastDot
            return Tensor(parameter: parameter, plainName: "\(others[shared] ?? shared).\(name)", copy: Int(index))
        }
        names = Set(tensors.lazy.filter { !$0.parameter.isOfLastLayer }.map(\.plainName))
        let plainLayers = Set(
            layers.map { layer in
                let plain = copies == nil ? layer : layer.splitAtLastDot.layer
                return others[plain] ?? plain
            })
        batchNormNames = names.filter { plainLayers.contains($0.splitAtLastDot.layer) }
        modules = Set(names.map { String($0.prefix { $0 != "." }) })
    }
}

extension String {
    /// The text before and after the last dot. The first is empty without a dot.
    var splitAtLastDot: (layer: String, name: String) {
        guard let dot = lastIndex(of: ".") else { return ("", self) }
        return (String(self[..<dot]), String(self[index(after: dot)...]))
    }
}
