import Kernels

/// torchvision's MNASNet (Tan et al., CVPR 2019), without the dropout in front of its classifier.
enum MNASNet {
    static let backbones = [("mnasnet0_5", 0.5), ("mnasnet0_75", 0.75), ("mnasnet1_0", 1), ("mnasnet1_3", 1.3)].map { name, depth in
        Backbone(name, blocks: Architecture.blockCount) { Architecture(width: depth * $0.width, blocks: $0.blocks) }
    }

    struct Architecture: NetworkArchitecture {
        /// Multiplies the channels of every layer but the last convolution.
        var width: Double
        /// The network ends after this many inverted residuals; nil for all of them and the last convolution.
        var blocks: Int?

        /// Expansion, output channels, blocks, first stride and kernel of each stage.
        private static let stages = [
            (3, 24, 3, 2, 3), (3, 40, 3, 2, 5), (6, 80, 3, 2, 5), (6, 96, 2, 1, 3), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
        ]
        static var blockCount: Int { stages.reduce(0) { $0 + $1.2 } }

        func makeLayers(_ builder: LayerBuilder) -> any NetworkLayers {
            func unit(
                _ number: Int, from inputs: Int, to outputs: Int, kernel: Int, stride: Int = 1, isDepthwise: Bool = false,
                _ activation: ActivationFunction = .relu
            ) -> ConvolutionUnit {
                ConvolutionUnit(
                    convolution: "layers.\(number)", norm: "layers.\(number + 1)", builder, from: inputs, to: outputs, kernel: kernel,
                    stride: stride, isDepthwise: isDepthwise, activation: activation, takesImages: number == 0)
            }
            let stem = MobileNetV2.divisible(32 * width)
            var channels = MobileNetV2.divisible(16 * width)
            var features: [any FeatureLayer] = [
                unit(0, from: 3, to: stem, kernel: 3, stride: 2), unit(3, from: stem, to: stem, kernel: 3, isDepthwise: true),
                unit(6, from: stem, to: channels, kernel: 1, .none),
            ]
            for (stage, (expansion, stageWidth, count, firstStride, kernel)) in Self.stages.enumerated() {
                let outputs = MobileNetV2.divisible(Double(stageWidth) * width)
                // The stem has three layers.
                for index in 0..<count where features.count < 3 + (blocks ?? .max - 3) {
                    let name = "layers.\(8 + stage).\(index).layers"
                    features.append(
                        InvertedResidual(
                            [0, 3, 6].map { ("\(name).\($0)", "\(name).\($0 + 1)") }, builder, from: channels, to: outputs,
                            expansion: expansion, kernel: kernel, stride: index == 0 ? firstStride : 1, activation: .relu))
                    channels = outputs
                }
            }
            if blocks == nil {
                features.append(unit(14, from: channels, to: 1280, kernel: 1))
                channels = 1280
            }
            // A third of the outputs: torchvision's bound is √(3 / outputs).
            let classifier = Linear(
                "classifier.1", builder.registry, from: channels, to: builder.outputs,
                weight: .uniform(fanIn: max(1, (builder.outputs + 1) / 3)), bias: .zeros)
            return ClassifierLayers(
                features: features, classifier: classifier, stages: blocks == nil ? [3] + Self.stages.map(\.2) + [1] : [])
        }
    }
}
