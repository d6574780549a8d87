/// A network from images to logits: layers, and the memory of their parameters.
public final class Network: LayerCosting {
    public let definition: NetworkDefinition
    public let arena: ParameterArena
    private let layers: any NetworkLayers

    /// All values are zero; see `ParameterArena.initialize`.
    public init(_ definition: NetworkDefinition) {
        self.definition = definition
        let made = definition.makeLayers()
        layers = made.layers
        arena = ParameterArena(made.registry)
    }

    /// Images [N, H, W, 3] → logits [N, 1, 1, outputs].
    public func forward(_ images: Tensor, _ pass: Pass) throws -> NetworkForward { try layers.forward(images, pass) }

    public func layerCosts(_ input: Shape) -> [LayerCost] { layers.layerCosts(input) }

    /// Takes the parameters and running statistics of a network with the same layers.
    public func copyValues(from other: Network) {
        arena.copyValues(from: other.arena)
    }

    /// Trained parameters, then running statistics.
    public var tensors: [Parameter] { arena.parameters + arena.statistics }
}

/// The layers of a network, from images to logits. Layers have sizes and parameters, and no other state: they are `Sendable`, so that the
/// compiler refuses a layer with a variable.
public protocol NetworkLayers: AnyObject, LayerCosting, Sendable {
    /// Images [N, H, W, 3] → logits [N, 1, 1, outputs].
    func forward(_ images: Tensor, _ pass: Pass) throws -> NetworkForward
}

/// The layers of a convolutional classifier: feature layers one after another, the mean over all pixels, and a linear layer.
final class ClassifierLayers: NetworkLayers {
    private let features: [any FeatureLayer]
    private let classifier: Linear

    init(features: [any FeatureLayer], classifier: Linear) {
        self.features = features
        self.classifier = classifier
    }

    func forward(_ images: Tensor, _ pass: Pass) throws -> NetworkForward {
        var current = FeatureMap(images)
        var pullbacks: [FeaturePullback] = []
        for layer in features {
            let result = try layer.forward(current, pass)
            current = result.output
            if let pullback = result.pullback { pullbacks.append(pullback) }
        }
        let pooled = GlobalAveragePool.forward(current.materialized(), pass)
        let logits = classifier.forward(pooled.output)
        guard let poolPullback = pooled.pullback else { return NetworkForward(logits, features: pooled.output, nil) }
        return NetworkForward(logits, features: pooled.output) { [classifier] gradient in
            var gradient = FeatureGradient(poolPullback(classifier.backward(gradient, input: pooled.output)))
            // A pullback is released after it has run, and with it the feature maps that it kept.
            while let pullback = pullbacks.popLast() { gradient = try pullback(gradient) }
        }
    }

    func layerCosts(_ input: Shape) -> [LayerCost] {
        var costs: [LayerCost] = []
        let output = features.reduce(input) { $1.trace($0, into: &costs) }
        classifier.trace(Shape(batch: input.batch, channels: output.channels), into: &costs)
        return costs
    }
}
