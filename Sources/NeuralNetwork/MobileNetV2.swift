import Kernels

/// torchvision's MobileNetV2 (Sandler et al., CVPR 2018), without the dropout in front of its classifier.
public final class MobileNetV2: Network {
    public let arena: ParameterArena
    private let stem: ConvolutionUnit
    private let blocks: [InvertedResidual]
    private let head: ConvolutionUnit
    private let classifier: Linear

    /// Expansion, output channels, blocks and first stride of each stage.
    private static let stages = [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]

    /// - Parameter resolutionCount: candidate resolutions, a copy of every batch norm for each; nil for plain batch norms.
    public init(width: Double = 1, outputs: Int, resolutionCount: Int?, batchNorm: BatchNormOptions = .init()) {
        let registry = ParameterRegistry()
        let builder = NetworkBuilder(registry: registry, resolutionCount: resolutionCount, batchNorm: batchNorm)
        var channels = Self.divisible(32 * width)
        stem = ConvolutionUnit(
            convolution: "features.0.0", norm: "features.0.1", builder, from: 3, to: channels, kernel: 3, stride: 2,
            activation: .relu6)
        var blocks: [InvertedResidual] = []
        for (expansion, stageWidth, count, firstStride) in Self.stages {
            let outputs = Self.divisible(Double(stageWidth) * width)
            for index in 0..<count {
                blocks.append(
                    InvertedResidual(
                        "features.\(blocks.count + 1).conv", builder, from: channels, to: outputs,
                        expansion: expansion, stride: index == 0 ? firstStride : 1))
                channels = outputs
            }
        }
        self.blocks = blocks
        let last = Self.divisible(1280 * max(1, width))
        head = ConvolutionUnit(
            convolution: "features.\(blocks.count + 1).0", norm: "features.\(blocks.count + 1).1", builder,
            from: channels, to: last, kernel: 1, activation: .relu6)
        classifier = Linear(
            "classifier.1", registry, from: last, to: outputs, weight: .normal(deviation: 0.01), bias: .zeros)
        arena = ParameterArena(registry)
    }

    public var batchNorms: [ResolutionAwareBatchNorm] { [stem.norm] + blocks.flatMap(\.norms) + [head.norm] }

    public func forward(_ images: Tensor, _ pass: Pass) throws -> Forward {
        let stemmed = try stem.forward(Activations(images), pass, wantsInputGradient: false)
        var current = stemmed.output
        var pullbacks: [BlockForward.Pullback] = []
        for block in blocks {
            let result = try block.forward(current, pass)
            current = result.output
            if let pullback = result.pullback { pullbacks.append(pullback) }
        }
        let headed = try head.forward(current, pass)
        let pooled = GlobalAveragePool.forward(headed.output.materialized(), pass)
        let logits = classifier.forward(pooled.output)
        guard let stemPullback = stemmed.pullback, let headPullback = headed.pullback, let poolPullback = pooled.pullback
        else { return Forward(logits, nil) }
        return Forward(logits) { [classifier] gradient in
            let pooledGradient = try poolPullback(classifier.backward(gradient, input: pooled.output))
            var gradient = try headPullback(ActivationGradient(pooledGradient), nil).input
            while let pullback = pullbacks.popLast() { gradient = try pullback(gradient) }
            return try stemPullback(gradient, nil).input.tensor
        }
    }

    public func trace(_ shape: Shape, into costs: inout [LayerCost]) {
        let features = blocks.reduce(stem.trace(shape, into: &costs)) { $1.trace($0, into: &costs) }
        let headed = head.trace(features, into: &costs)
        classifier.trace(Shape(batch: shape.batch, channels: headed.channels), into: &costs)
    }

    /// The nearest multiple of 8 that is at least 0.9 of `channels` (torchvision's `_make_divisible`).
    static func divisible(_ channels: Double) -> Int {
        let rounded = max(8, Int(channels + 4) / 8 * 8)
        return Double(rounded) < 0.9 * channels ? rounded + 8 : rounded
    }
}

/// MobileNetV2's block: expand (1×1), filter (3×3 depthwise), project (1×1, no activation), and the input added where the shapes
/// allow.
final class InvertedResidual {
    private let units: [ConvolutionUnit]
    private let addsInput: Bool

    init(_ name: String, _ builder: NetworkBuilder, from inputs: Int, to outputs: Int, expansion: Int, stride: Int) {
        let inside = inputs * expansion
        var units: [ConvolutionUnit] = []
        if expansion != 1 {
            units.append(
                ConvolutionUnit(
                    convolution: "\(name).0.0", norm: "\(name).0.1", builder, from: inputs, to: inside, kernel: 1,
                    activation: .relu6))
        }
        units.append(
            ConvolutionUnit(
                convolution: "\(name).\(units.count).0", norm: "\(name).\(units.count).1", builder, from: inside,
                to: inside, kernel: 3, stride: stride, isDepthwise: true, activation: .relu6))
        units.append(
            ConvolutionUnit(
                convolution: "\(name).\(units.count)", norm: "\(name).\(units.count + 1)", builder, from: inside,
                to: outputs, kernel: 1, activation: .none))
        self.units = units
        addsInput = stride == 1 && inputs == outputs
    }

    var norms: [ResolutionAwareBatchNorm] { units.map(\.norm) }

    func forward(_ input: Activations, _ pass: Pass) throws -> BlockForward {
        var current = input
        var pullbacks: [ConvolutionUnit.UnitPullback] = []
        for (index, unit) in units.enumerated() {
            let isLast = index == units.count - 1
            let result = try unit.forward(current, residual: isLast && addsInput ? input : nil, pass)
            current = result.output
            if let pullback = result.pullback { pullbacks.append(pullback) }
        }
        guard pass.mode == .training else { return BlockForward(current, nil) }
        return BlockForward(current) { [addsInput] gradient in
            var remaining = pullbacks
            var gradients = try remaining.removeLast()(gradient, nil)
            let residualGradient = gradients.residual
            while let pullback = remaining.popLast() {
                let isFirst = remaining.isEmpty
                gradients = try pullback(gradients.input, isFirst && addsInput ? residualGradient : nil)
            }
            return gradients.input
        }
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) -> Shape {
        units.reduce(shape) { $1.trace($0, into: &costs) }
    }
}
