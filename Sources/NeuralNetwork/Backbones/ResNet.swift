/// torchvision's ResNets (He et al., "Deep residual learning", CVPR 2016; v1.5), and, with one block a stage, the published
/// resolution predictor.
public enum ResNet {
    static let backbones = [18, 34, 50, 101, 152].map { depth in
        Backbone("resnet\(depth)", blocks: architecture(depth: depth, .init()).blocks.reduce(0, +)) { architecture(depth: depth, $0) }
    }

    static func architecture(depth: Int, _ options: BackboneOptions) -> Architecture {
        guard var architecture = Architecture(depth: depth, width: options.width) else {
            preconditionFailure("there is no ResNet-\(depth)")
        }
        architecture.zeroInitResidual = options.zeroInitResidual
        if let blocks = options.blocks { architecture.keepFirst(blocks) }
        return architecture
    }

    /// Channels and blocks of a ResNet.
    public struct Architecture: NetworkArchitecture {
        var kind: ResidualBlock.Kind
        /// Blocks in each of the four stages.
        public var blocks: [Int]
        /// Channels after the stem, and inside the blocks of each stage.
        public var stemWidth: Int
        public var stageWidths: [Int]
        /// Groups of the 3×3 convolutions of bottleneck blocks.
        var groups = 1
        /// Channels of each group, for 64 channels of a stage.
        var groupWidth = 64
        /// The last batch norm of each block starts at 0, so that blocks start as identities.
        public var zeroInitResidual = false

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

        /// Ends the network after its first blocks.
        mutating func keepFirst(_ count: Int) {
            var left = count
            blocks = blocks.map { stage in
                defer { left -= min(stage, left) }
                return min(stage, left)
            }
        }

        public func makeLayers(_ builder: LayerBuilder) -> any NetworkLayers {
            var features: [any FeatureLayer] = [
                ConvolutionUnit(
                    convolution: "conv1", norm: "bn1", builder, from: 3, to: stemWidth, kernel: 7, stride: 2, activation: .relu,
                    takesImages: true),
                MaximumPool(),
            ]
            var channels = stemWidth
            for stage in 0..<4 {
                let width = groups * max(1, stageWidths[stage] * groupWidth / 64)
                for index in 0..<blocks[stage] {
                    features.append(
                        ResidualBlock(
                            "layer\(stage + 1).\(index)", builder, kind: kind, from: channels, inside: width,
                            to: stageWidths[stage] * kind.expansion, stride: index == 0 && stage > 0 ? 2 : 1, groups: groups,
                            zeroInitResidual: zeroInitResidual))
                    channels = stageWidths[stage] * kind.expansion
                }
            }
            return ClassifierLayers(
                features: features, classifier: Linear("fc", builder.registry, from: channels, to: builder.outputs),
                // The stem has a convolution and a pooling layer.
                stages: [2] + blocks)
        }
    }
}
