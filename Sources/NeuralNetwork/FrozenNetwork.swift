/// A network for inference: a copy of a network's values at one moment. Training may change the network afterwards; the copy stays the
/// same. It has no gradients. Kernels' layouts of the weights are prepared once and kept.
///
/// Thread-safe: passes can run at the same time.
public final class FrozenNetwork: Sendable {
    public let definition: NetworkDefinition
    private let layers: any NetworkLayers
    private let arena: ParameterArena
    private let prepared = PreparedWeights()

    public init(_ network: Network) {
        definition = network.definition
        let made = definition.makeLayers()
        layers = made.layers
        arena = ParameterArena(made.registry, hasGradients: false)
        arena.copyValues(from: network.arena)
    }

    /// The operations of a pass, with the values of this network.
    ///
    /// - Throws: `UnrecordedLayer` if a layer does not say what it computes.
    public func graph() throws -> NetworkGraph { try NetworkGraph(layers, arena) }

    /// Images [N, H, W, 3] → logits [N, 1, 1, outputs], with running statistics.
    ///
    /// - Parameter resolutionIndex: which copy of each batch norm to use.
    public func logits(_ images: Tensor, resolutionIndex: Int = 0) throws -> Tensor {
        try forward(images, resolutionIndex: resolutionIndex).output
    }

    /// Logits and features of images [N, H, W, 3], with running statistics.
    ///
    /// - Parameter resolutionIndex: which copy of each batch norm to use.
    public func forward(_ images: Tensor, resolutionIndex: Int = 0) throws -> NetworkForward {
        try layers.forward(images, Pass(resolutionIndex: resolutionIndex, prepared: prepared))
    }
}
