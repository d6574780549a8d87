import Foundation
import Kernels

/// torchvision's EfficientNet B0 to B2 (Tan and Le, ICML 2019), without the dropout in front of its classifier and without stochastic
/// depth. The padding is symmetric, as in torchvision; TensorFlow's differs.
public enum EfficientNet {
    static let backbones = [("efficientnet_b0", 1, 1), ("efficientnet_b1", 1, 1.1), ("efficientnet_b2", 1.1, 1.2)].map {
        name, width, depth in
        Backbone(name, blocks: counts(depth).reduce(0, +)) { Architecture(width: width * $0.width, depth: depth, blocks: $0.blocks) }
    }

    /// Expansion, kernel, first stride, output channels and blocks of each stage (table 1 of the paper).
    private static let stages = [
        (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
    ]

    /// The number of blocks in each stage.
    private static func counts(_ depth: Double) -> [Int] { stages.map { Int((Double($0.4) * depth).rounded(.up)) } }

    public struct Architecture: NetworkArchitecture {
        /// Multiplies the channels of every layer.
        var width: Double
        /// Multiplies the number of blocks in each stage.
        var depth: Double
        /// The network ends after this many blocks; nil for all of them and the last convolution.
        var blocks: Int?

        private func scaled(_ channels: Int) -> Int { MobileNetV2.divisible(Double(channels) * width) }

        public func makeLayers(_ builder: LayerBuilder) -> any NetworkLayers {
            var channels = scaled(32)
            var features: [any FeatureLayer] = [
                ConvolutionUnit(
                    convolution: "features.0.0", norm: "features.0.1", builder, from: 3, to: channels, kernel: 3, stride: 2,
                    activation: .silu, takesImages: true)
            ]
            for (stage, count) in EfficientNet.counts(depth).enumerated() {
                let (expansion, kernel, firstStride, outputs, _) = EfficientNet.stages[stage]
                // The stem is the first of the features.
                for index in 0..<count where features.count <= blocks ?? .max {
                    let size = MobileBlock.Size(
                        inputs: channels, inside: MobileNetV2.divisible(Double(channels * expansion)), outputs: scaled(outputs),
                        kernel: kernel, stride: index == 0 ? firstStride : 1, squeezed: max(1, channels / 4))
                    features.append(
                        MobileBlock(
                            "features.\(stage + 1).\(index).block", builder, size, activation: .silu, squeezeActivation: .silu,
                            gate: .logistic))
                    channels = size.outputs
                }
            }
            if blocks == nil {
                let last = "features.\(EfficientNet.stages.count + 1)"
                features.append(
                    ConvolutionUnit(
                        convolution: "\(last).0", norm: "\(last).1", builder, from: channels, to: 4 * channels, kernel: 1,
                        activation: .silu))
                channels *= 4
            }
            // torchvision's bounds are ± 1 / √outputs.
            let classifier = Linear(
                "classifier.1", builder.registry, from: channels, to: builder.outputs, weight: .uniform(fanIn: builder.outputs),
                bias: .zeros)
            return ClassifierLayers(
                features: features, classifier: classifier, stages: blocks == nil ? [1] + EfficientNet.counts(depth) + [1] : [])
        }

        public var timmNames: [String: String] {
            let last = "features.\(EfficientNet.stages.count + 1)"
            var names = [
                "features.0.0": "conv_stem", "features.0.1": "bn1", "\(last).0": "conv_head", "\(last).1": "bn2",
                "classifier.1": "classifier",
            ]
            for (stage, count) in EfficientNet.counts(depth).enumerated() {
                for index in 0..<count {
                    names.merge(
                        MobileBlock.timmNames(
                            "features.\(stage + 1).\(index).block", timm: "blocks.\(stage).\(index)",
                            hasExpansion: EfficientNet.stages[stage].0 > 1, hasSqueeze: true)
                    ) { first, _ in first }
                }
            }
            return names
        }
    }
}
