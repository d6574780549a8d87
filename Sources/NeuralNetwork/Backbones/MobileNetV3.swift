import Kernels

/// torchvision's MobileNetV3 (Howard et al., ICCV 2019), without the dropout in front of its classifier.
public enum MobileNetV3 {
    static let backbones = [("mobilenet_v3_large", large, 1280), ("mobilenet_v3_small", small, 1024)].map { name, rows, hidden in
        Backbone(name, blocks: rows.count, batchNormEpsilon: batchNormEpsilon) {
            Architecture(rows: rows, hidden: hidden, width: $0.width, blocks: $0.blocks)
        }
    }

    /// torchvision's ε. timm's has the usual one.
    private static let batchNormEpsilon = 1e-3

    /// A block of the paper's tables. `isFirst` marks the first block of a stage.
    struct Row: Sendable {
        var (kernel, inside, outputs): (Int, Int, Int)
        var squeezes: Bool
        var activation: ActivationFunction
        var stride: Int
        var isFirst: Bool

        init(_ kernel: Int, _ inside: Int, _ outputs: Int, _ squeezes: Bool, _ activation: ActivationFunction, _ stride: Int, first: Bool) {
            (self.kernel, self.inside, self.outputs) = (kernel, inside, outputs)
            (self.squeezes, self.activation, self.stride, isFirst) = (squeezes, activation, stride, first)
        }
    }

    /// Table 1 of the paper.
    private static let large = [
        Row(3, 16, 16, false, .relu, 1, first: true), Row(3, 64, 24, false, .relu, 2, first: true),
        Row(3, 72, 24, false, .relu, 1, first: false), Row(5, 72, 40, true, .relu, 2, first: true),
        Row(5, 120, 40, true, .relu, 1, first: false), Row(5, 120, 40, true, .relu, 1, first: false),
        Row(3, 240, 80, false, .hardSwish, 2, first: true), Row(3, 200, 80, false, .hardSwish, 1, first: false),
        Row(3, 184, 80, false, .hardSwish, 1, first: false), Row(3, 184, 80, false, .hardSwish, 1, first: false),
        Row(3, 480, 112, true, .hardSwish, 1, first: true), Row(3, 672, 112, true, .hardSwish, 1, first: false),
        Row(5, 672, 160, true, .hardSwish, 2, first: true), Row(5, 960, 160, true, .hardSwish, 1, first: false),
        Row(5, 960, 160, true, .hardSwish, 1, first: false),
    ]

    /// Table 2 of the paper.
    private static let small = [
        Row(3, 16, 16, true, .relu, 2, first: true), Row(3, 72, 24, false, .relu, 2, first: true),
        Row(3, 88, 24, false, .relu, 1, first: false), Row(5, 96, 40, true, .hardSwish, 2, first: true),
        Row(5, 240, 40, true, .hardSwish, 1, first: false), Row(5, 240, 40, true, .hardSwish, 1, first: false),
        Row(5, 120, 48, true, .hardSwish, 1, first: true), Row(5, 144, 48, true, .hardSwish, 1, first: false),
        Row(5, 288, 96, true, .hardSwish, 2, first: true), Row(5, 576, 96, true, .hardSwish, 1, first: false),
        Row(5, 576, 96, true, .hardSwish, 1, first: false),
    ]

    public struct Architecture: NetworkArchitecture {
        var rows: [Row]
        /// Units of the hidden layer between the pooled features and the classifier, at width 1.
        var hidden: Int
        /// Multiplies the channels of every layer.
        var width: Double
        /// The network ends after this many blocks; nil for all of them and the last convolution.
        var blocks: Int?

        private func scaled(_ channels: Int) -> Int { MobileNetV2.divisible(Double(channels) * width) }

        public func makeLayers(_ builder: LayerBuilder) -> any NetworkLayers {
            var channels = scaled(16)
            var features: [any FeatureLayer] = [
                ConvolutionUnit(
                    convolution: "features.0.0", norm: "features.0.1", builder, from: 3, to: channels, kernel: 3, stride: 2,
                    activation: .hardSwish, takesImages: true)
            ]
            for row in rows.prefix(blocks ?? rows.count) {
                let inside = scaled(row.inside)
                let size = MobileBlock.Size(
                    inputs: channels, inside: inside, outputs: scaled(row.outputs), kernel: row.kernel, stride: row.stride,
                    squeezed: row.squeezes ? MobileNetV2.divisible(Double(inside / 4)) : nil)
                features.append(
                    MobileBlock(
                        "features.\(features.count).block", builder, size, activation: row.activation, squeezeActivation: .relu,
                        gate: .hardLogistic))
                channels = size.outputs
            }
            guard blocks == nil else {
                let classifier = Linear(
                    "classifier.3", builder.registry, from: channels, to: builder.outputs, weight: .normal(deviation: 0.01), bias: .zeros)
                return ClassifierLayers(features: features, classifier: classifier)
            }
            features.append(
                ConvolutionUnit(
                    convolution: "features.\(features.count).0", norm: "features.\(features.count).1", builder, from: channels,
                    to: 6 * channels, kernel: 1, activation: .hardSwish))
            let hiddenLayer = Linear(
                "classifier.0", builder.registry, from: 6 * channels, to: scaled(hidden), weight: .normal(deviation: 0.01), bias: .zeros)
            let classifier = Linear(
                "classifier.3", builder.registry, from: scaled(hidden), to: builder.outputs, weight: .normal(deviation: 0.01), bias: .zeros)
            return ClassifierLayers(
                features: features, hidden: (hiddenLayer, .hardSwish), classifier: classifier, stages: [1] + stageSizes + [1])
        }

        /// The number of blocks in each stage.
        private var stageSizes: [Int] {
            rows.reduce(into: []) { sizes, row in
                if row.isFirst { sizes.append(0) }
                sizes[sizes.count - 1] += 1
            }
        }

        public var timmNames: [String: String] {
            var names = [
                "features.0.0": "conv_stem", "features.0.1": "bn1", "classifier.0": "conv_head", "classifier.3": "classifier",
                "features.\(rows.count + 1).0": "blocks.\(stageSizes.count).0.conv",
                "features.\(rows.count + 1).1": "blocks.\(stageSizes.count).0.bn1",
            ]
            var (stage, block, channels) = (-1, 0, scaled(16))
            for (index, row) in rows.enumerated() {
                (stage, block) = row.isFirst ? (stage + 1, 0) : (stage, block + 1)
                names.merge(
                    MobileBlock.timmNames(
                        "features.\(index + 1).block", timm: "blocks.\(stage).\(block)", hasExpansion: scaled(row.inside) != channels,
                        hasSqueeze: row.squeezes)
                ) { first, _ in first }
                channels = scaled(row.outputs)
            }
            return names
        }
    }
}
