import Kernels

/// torchvision's ResNets (He et al., "Deep residual learning", CVPR 2016; v1.5), and, with one block a stage, the published
/// resolution predictor.
public final class ResNet: Network {
    /// Channels and blocks of a ResNet.
    public struct Architecture: Sendable {
        var kind: ResidualBlock.Kind
        /// Blocks in each of the four stages.
        public var blocks: [Int]
        /// Channels behind the stem, and inside the blocks of each stage.
        public var stemWidth: Int
        public var stageWidths: [Int]

        /// ResNet-18, 34, 50, 101 or 152, with all widths multiplied (to a multiple of 8 channels, at least 8); nil for other
        /// depths.
        public init?(depth: Int, width: Double = 1) {
            switch depth {
            case 18: (kind, blocks) = (.basic, [2, 2, 2, 2])
            case 34: (kind, blocks) = (.basic, [3, 4, 6, 3])
            case 50: (kind, blocks) = (.bottleneck, [3, 4, 6, 3])
            case 101: (kind, blocks) = (.bottleneck, [3, 4, 23, 3])
            case 152: (kind, blocks) = (.bottleneck, [3, 8, 36, 3])
            default: return nil
            }
            stageWidths = [64, 128, 256, 512].map { max(8, Int((Double($0) * width / 8).rounded()) * 8) }
            stemWidth = stageWidths[0]
        }

        /// The published resolution predictor: one basic block a stage.
        public init(predictorWidths widths: [Int]) {
            precondition(widths.count == 5, "a predictor has a stem and four blocks, not \(widths.count) widths")
            (kind, blocks) = (.basic, [1, 1, 1, 1])
            stemWidth = widths[0]
            stageWidths = Array(widths[1...])
        }

        /// Any widths, for tests.
        public init(bottleneck: Bool, blocks: [Int], stemWidth: Int, stageWidths: [Int]) {
            kind = bottleneck ? .bottleneck : .basic
            self.blocks = blocks
            self.stemWidth = stemWidth
            self.stageWidths = stageWidths
        }
    }

    public let arena: ParameterArena
    private let stem: ConvolutionUnit
    private let stages: [ResidualBlock]
    private let classifier: Linear

    /// - Parameters:
    ///   - resolutionCount: candidate resolutions, a copy of every batch norm for each; nil for plain batch norms.
    ///   - zeroInitResidual: the last batch norm of each block starts at 0, so that blocks start as identities.
    public init(
        _ architecture: Architecture, outputs: Int, resolutionCount: Int?, batchNorm: BatchNormOptions = .init(),
        zeroInitResidual: Bool = false
    ) {
        let registry = ParameterRegistry()
        let builder = NetworkBuilder(registry: registry, resolutionCount: resolutionCount, batchNorm: batchNorm)
        stem = ConvolutionUnit(
            convolution: "conv1", norm: "bn1", builder, from: 3, to: architecture.stemWidth, kernel: 7, stride: 2,
            activation: .relu)
        var channels = architecture.stemWidth
        var blocks: [ResidualBlock] = []
        for stage in 0..<4 {
            for index in 0..<architecture.blocks[stage] {
                blocks.append(
                    ResidualBlock(
                        "layer\(stage + 1).\(index)", builder, kind: architecture.kind, from: channels,
                        inside: architecture.stageWidths[stage], stride: index == 0 && stage > 0 ? 2 : 1,
                        zeroInitResidual: zeroInitResidual))
                channels = architecture.stageWidths[stage] * architecture.kind.expansion
            }
        }
        stages = blocks
        classifier = Linear("fc", registry, from: channels, to: outputs)
        arena = ParameterArena(registry)
    }

    public var batchNorms: [ResolutionAwareBatchNorm] { [stem.norm] + stages.flatMap(\.norms) }

    public func forward(_ images: Tensor, _ pass: Pass) throws -> Forward {
        let stemmed = try stem.forward(Activations(images), pass, wantsInputGradient: false)
        var current = MaximumPool.forward(stemmed.output, pass)
        var pullbacks: [BlockForward.Pullback] = []
        func keep(_ forward: BlockForward) {
            if let pullback = forward.pullback { pullbacks.append(pullback) }
        }
        keep(current)
        for block in stages {
            current = try block.forward(current.output, pass)
            keep(current)
        }
        let pooled = GlobalAveragePool.forward(current.output.materialized(), pass)
        let logits = classifier.forward(pooled.output)
        guard let stemPullback = stemmed.pullback, let poolPullback = pooled.pullback else { return Forward(logits, nil) }
        return Forward(logits) { [classifier] gradient in
            let features = pooled.output
            var gradient = ActivationGradient(try poolPullback(classifier.backward(gradient, input: features)))
            // Each pullback goes once it has run, and with it the activations that it kept.
            while let pullback = pullbacks.popLast() { gradient = try pullback(gradient) }
            return try stemPullback(gradient, nil).input.tensor
        }
    }

    public func trace(_ shape: Shape, into costs: inout [LayerCost]) {
        let stemmed = MaximumPool.outputShape(stem.trace(shape, into: &costs))
        let features = stages.reduce(stemmed) { $1.trace($0, into: &costs) }
        classifier.trace(Shape(batch: shape.batch, channels: features.channels), into: &costs)
    }
}
