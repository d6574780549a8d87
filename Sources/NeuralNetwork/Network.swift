import Kernels

/// A network from images to logits: layers, and the memory of their parameters.
public final class Network: LayerCosting {
    public let definition: NetworkDefinition
    public let arena: ParameterArena
    private let layers: any NetworkLayers

    /// All values are zero; see `ParameterArena.initialize`.
    ///
    /// - Parameters:
    ///   - definition: the structure.
    ///   - hasGradients: false for a network that is never trained.
    public init(_ definition: NetworkDefinition, hasGradients: Bool = true) {
        self.definition = definition
        let made = definition.makeLayers()
        layers = made.layers
        arena = ParameterArena(made.registry, hasGradients: hasGradients)
    }

    /// A network with the parameters and running statistics of another one, in the same memory, and with gradients of its own.
    public init(sharingValuesOf other: Network) {
        definition = other.definition
        let made = definition.makeLayers()
        layers = made.layers
        arena = ParameterArena(made.registry, sharing: other.arena)
    }

    /// Images [N, H, W, 3] → logits [N, 1, 1, outputs].
    public func forward(_ images: Tensor, _ pass: Pass) throws -> NetworkForward {
        var pass = pass
        pass.frozenStages = definition.frozenStages
        return try layers.forward(images, pass)
    }

    /// The trained parameters in parts, in the order of the forward pass: the stem, each block, the last layer. A layer between the last
    /// block and the last layer belongs to that block, as in timm's groups of layers.
    public var parts: [[Parameter]] { layers.parts }

    /// The parameters that training does not change; see `NetworkDefinition.frozenStages`.
    public var frozenParameters: [Parameter] { layers.stages.prefix(definition.frozenStages).flatMap { $0 } }

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
    /// See `Network.parts`.
    var parts: [[Parameter]] { get }
    /// The trained parameters of each stage that can be frozen, in the order of the forward pass.
    var stages: [[Parameter]] { get }
    /// Images [N, H, W, 3] → logits [N, 1, 1, outputs].
    func forward(_ images: Tensor, _ pass: Pass) throws -> NetworkForward
    /// Adds the operations of an evaluation pass to a recorder; see `NetworkGraph`.
    func record(in recorder: OperationRecorder) throws -> (features: NetworkValue, output: NetworkValue)
}

extension NetworkLayers {
    public func record(in recorder: OperationRecorder) throws -> (features: NetworkValue, output: NetworkValue) {
        throw UnrecordedLayer(type: "\(Self.self)")
    }

    public var parts: [[Parameter]] { [] }
    public var stages: [[Parameter]] { [] }
}

/// The layers of a convolutional classifier: feature layers one after another, the mean over all pixels, a hidden linear layer in some, and
/// a linear layer.
final class ClassifierLayers: NetworkLayers {
    private let features: [any FeatureLayer]
    private let hidden: HiddenLayer?
    private let classifier: Linear
    /// The number of feature layers in each stage.
    private let stageSizes: [Int]
    /// The offset in the arena of the first parameter of each feature layer and those after it.
    private let firstOffsets: [Int]

    /// - Parameters:
    ///   - features: in the order of the forward pass.
    ///   - hidden: between the mean and the last layer, with its activation; nil for a network without it.
    ///   - classifier: the last layer.
    ///   - stages: the number of feature layers in each stage, the stem first; empty for a network that is never frozen in part.
    init(
        features: [any FeatureLayer], hidden: (layer: Linear, activation: ActivationFunction)? = nil, classifier: Linear, stages: [Int] = []
    ) {
        precondition(stages.isEmpty || stages.reduce(0, +) == features.count, "the stages contain every feature layer once")
        self.features = features
        self.hidden = hidden.map { HiddenLayer(linear: $0.layer, activation: $0.activation) }
        self.classifier = classifier
        stageSizes = stages
        var first = min(classifier.firstOffset, hidden?.layer.firstOffset ?? .max)
        firstOffsets = Array(
            features.reversed().map { layer in
                first = layer.parameters.reduce(first) { min($0, $1.offset) }
                return first
            }.reversed())
    }

    var parts: [[Parameter]] {
        var parts: [[Parameter]] = [[]]
        for layer in features {
            if layer.isBlock { parts.append([]) }
            parts[parts.count - 1] += layer.parameters
        }
        parts[parts.count - 1] += hidden?.parameters ?? []
        return parts + [[classifier.weight, classifier.bias]]
    }

    var stages: [[Parameter]] {
        var rest = features[...]
        return stageSizes.map { size in
            defer { rest = rest.dropFirst(size) }
            return rest.prefix(size).flatMap(\.parameters)
        }
    }

    /// The pass of a feature layer.
    ///
    /// - Parameters:
    ///   - index: of the layer.
    ///   - frozen: the number of frozen layers.
    private func pass(_ pass: Pass, ofLayer index: Int, frozen: Int) -> Pass {
        if index < frozen { return pass.throughFrozenLayer }
        return index == frozen && frozen > 0 ? pass.afterFrozenLayers : pass
    }

    func forward(_ images: Tensor, _ pass: Pass) throws -> NetworkForward {
        var current = FeatureMap(images)
        var pullbacks: [(run: FeaturePullback, layer: Int)] = []
        let frozen = pass.mode == .training ? stageSizes.prefix(pass.frozenStages).reduce(0, +) : 0
        for (index, layer) in features.enumerated() {
            let result = try layer.forward(current, self.pass(pass, ofLayer: index, frozen: frozen))
            current = result.output
            if let pullback = result.pullback { pullbacks.append((pullback, index)) }
        }
        let pooled = GlobalAveragePool.forward(current.materialized(), pass)
        let last = hidden?.forward(pooled.output)
        let features = last?.output ?? pooled.output
        let logits = classifier.forward(features)
        guard let poolPullback = pooled.pullback else { return NetworkForward(logits, features: features, nil) }
        return NetworkForward(logits, features: features) { [classifier, hidden, firstOffsets] gradient in
            var pooledGradient = classifier.backward(gradient, input: features)
            pass.progress?.complete(from: classifier.firstOffset)
            if let last, let hidden {
                pooledGradient = last.pullback(pooledGradient)
                pass.progress?.complete(from: min(classifier.firstOffset, hidden.linear.firstOffset))
            }
            var gradient = FeatureGradient(poolPullback(pooledGradient))
            // A pullback is released after it has run, and with it the feature maps that it kept.
            while let pullback = pullbacks.popLast() {
                gradient = try pullback.run(gradient)
                pass.progress?.complete(from: firstOffsets[pullback.layer])
            }
        }
    }

    func record(in recorder: OperationRecorder) throws -> (features: NetworkValue, output: NetworkValue) {
        let last = try features.reduce(NetworkValue.input) { try $1.record($0, in: recorder) }
        let mean = recorder.add("mean", .mean, [last])
        let input = hidden?.record(mean, in: recorder) ?? mean
        return (input, classifier.record(input, in: recorder))
    }

    func layerCosts(_ input: Shape) -> [LayerCost] {
        var costs: [LayerCost] = []
        let output = features.reduce(input) { $1.trace($0, into: &costs) }
        var vector = Shape(batch: input.batch, channels: output.channels)
        if let hidden {
            hidden.linear.trace(vector, into: &costs)
            vector = costs.last?.output ?? vector
        }
        classifier.trace(vector, into: &costs)
        return costs
    }
}
