/// The structure of a network: which layers it has, and how they are connected. A value without memory for parameters.
public protocol NetworkArchitecture: Sendable {
    /// Makes the layers and registers their parameters, in the order in which a forward pass uses them.
    func makeLayers(_ builder: LayerBuilder) -> any NetworkLayers

    /// timm's names of the layers, by torchvision's names; empty where both are the same. Parameters keep the last part of their names.
    var timmNames: [String: String] { get }
}

extension NetworkArchitecture {
    public var timmNames: [String: String] { [:] }

    /// A network whose values are zero; see `ParameterArena.initialize`.
    ///
    /// - Parameters:
    ///   - outputs: logits for each image.
    ///   - resolutionCount: copies of every batch norm, one for each candidate resolution; nil for plain batch norms.
    public func makeNetwork(outputs: Int, resolutionCount: Int?, batchNormEpsilon: Double = 1e-5) -> Network {
        Network(
            NetworkDefinition(
                architecture: self, outputs: outputs, resolutionCount: resolutionCount, batchNormEpsilon: batchNormEpsilon))
    }
}

/// Everything that layers need in order to be made.
public struct LayerBuilder {
    /// Where layers register their parameters.
    public let registry: ParameterRegistry
    /// Logits for each image.
    public let outputs: Int
    /// Copies of each batch norm; nil for plain ones.
    public let resolutionCount: Int?
    /// ε of every batch norm.
    public let batchNormEpsilon: Double
}

/// An architecture with the sizes that depend on its use. It determines every shape of a network, but no value. Costs and parameters are
/// counted from it without memory for them.
public struct NetworkDefinition: LayerCosting, Sendable {
    public var architecture: any NetworkArchitecture
    /// Logits for each image.
    public var outputs: Int
    /// Copies of every batch norm, one for each candidate resolution; nil for plain batch norms.
    public var resolutionCount: Int?
    /// ε of every batch norm.
    public var batchNormEpsilon: Double
    /// The number of stages, from the first on, that training does not change. Their batch norms use running statistics in training passes
    /// too, and the backward pass ends behind them.
    public var frozenStages: Int

    public init(
        architecture: any NetworkArchitecture, outputs: Int, resolutionCount: Int?, batchNormEpsilon: Double = 1e-5, frozenStages: Int = 0
    ) {
        self.architecture = architecture
        self.outputs = outputs
        self.resolutionCount = resolutionCount
        self.batchNormEpsilon = batchNormEpsilon
        self.frozenStages = frozenStages
    }

    /// The number of stages that can be frozen: all except the last layer.
    public var stageCount: Int { makeLayers().layers.stages.count }

    public func layerCosts(_ input: Shape) -> [LayerCost] { makeLayers().layers.layerCosts(input) }

    /// Trained parameters, then running statistics. They have names and shapes, but no memory.
    public var tensors: [Parameter] {
        let registry = makeLayers().registry
        return registry.parameters + registry.statistics
    }

    /// Trained parameters, all copies of batch norms included.
    public var parameterCount: Int { makeLayers().registry.parameters.reduce(0) { $0 + $1.count } }

    /// Inputs of the last layer, such as pooled features.
    public var featureCount: Int {
        let weight = tensors.last { $0.isOfLastLayer && $0.fileShape.count == 2 }
        return weight?.fileShape[1] ?? 0
    }

    func makeLayers() -> (layers: any NetworkLayers, registry: ParameterRegistry) {
        let registry = ParameterRegistry()
        let builder = LayerBuilder(
            registry: registry, outputs: outputs, resolutionCount: resolutionCount, batchNormEpsilon: batchNormEpsilon)
        return (architecture.makeLayers(builder), registry)
    }
}
