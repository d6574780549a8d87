import Kernels

/// torchvision's MobileNetV2 (Sandler et al., CVPR 2018), without the dropout in front of its classifier.
public enum MobileNetV2 {
    static let backbones = [Backbone("mobilenet_v2", blocks: 17) { Architecture(width: $0.width, blocks: $0.blocks) }]

    public struct Architecture: NetworkArchitecture {
        /// Multiplies the channels of every layer.
        public var width: Double
        /// The network ends after this many inverted residuals; nil for all of them and the last convolution.
        public var blocks: Int?

        /// Expansion, output channels, blocks and first stride of each stage.
        private static let stages = [
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
        ]

        public var timmNames: [String: String] { MobileNetV2.timmNames(Self.stages.map { ($0.0, $0.2) }) }

        public init(width: Double = 1, blocks: Int? = nil) {
            self.width = width
            self.blocks = blocks
        }

        public func makeLayers(_ builder: LayerBuilder) -> any NetworkLayers {
            var channels = MobileNetV2.divisible(32 * width)
            var features: [any FeatureLayer] = [
                ConvolutionUnit(
                    convolution: "features.0.0", norm: "features.0.1", builder, from: 3, to: channels, kernel: 3, stride: 2,
                    activation: .relu6, takesImages: true)
            ]
            for (expansion, stageWidth, count, firstStride) in Self.stages {
                let outputs = MobileNetV2.divisible(Double(stageWidth) * width)
                // The stem is the first of the features.
                for index in 0..<count where features.count <= blocks ?? .max {
                    features.append(
                        InvertedResidual(
                            InvertedResidual.layerNames("features.\(features.count).conv", expansion: expansion), builder, from: channels,
                            to: outputs, expansion: expansion, stride: index == 0 ? firstStride : 1, activation: .relu6))
                    channels = outputs
                }
            }
            if blocks == nil {
                let last = MobileNetV2.divisible(1280 * max(1, width))
                features.append(
                    ConvolutionUnit(
                        convolution: "features.\(features.count).0", norm: "features.\(features.count).1", builder, from: channels,
                        to: last, kernel: 1, activation: .relu6))
                channels = last
            }
            let classifier = Linear(
                "classifier.1", builder.registry, from: channels, to: builder.outputs, weight: .normal(deviation: 0.01), bias: .zeros)
            return ClassifierLayers(
                features: features, classifier: classifier, stages: blocks == nil ? [1] + Self.stages.map(\.2) + [1] : [])
        }
    }

    /// timm's names of the layers; see `NetworkArchitecture.timmNames`.
    private static func timmNames(_ counts: [(expansion: Int, blocks: Int)]) -> [String: String] {
        let last = counts.reduce(1) { $0 + $1.blocks }
        var names = [
            "features.0.0": "conv_stem", "features.0.1": "bn1", "features.\(last).0": "conv_head", "features.\(last).1": "bn2",
            "classifier.1": "classifier",
        ]
        var feature = 0
        for (stage, row) in counts.enumerated() {
            for index in 0..<row.blocks {
                feature += 1
                let (name, block) = ("features.\(feature).conv", "blocks.\(stage).\(index)")
                let layers = row.expansion == 1 ? [("conv_dw", "bn1")] : [("conv_pw", "bn1"), ("conv_dw", "bn2")]
                for (position, layer) in layers.enumerated() {
                    names["\(name).\(position).0"] = "\(block).\(layer.0)"
                    names["\(name).\(position).1"] = "\(block).\(layer.1)"
                }
                names["\(name).\(layers.count)"] = "\(block).\(row.expansion == 1 ? "conv_pw" : "conv_pwl")"
                names["\(name).\(layers.count + 1)"] = "\(block).bn\(layers.count + 1)"
            }
        }
        return names
    }

    /// The nearest multiple of 8 that is at least 0.9 of `channels` (torchvision's `_make_divisible`).
    static func divisible(_ channels: Double) -> Int {
        let rounded = max(8, Int(channels + 4) / 8 * 8)
        return Double(rounded) < 0.9 * channels ? rounded + 8 : rounded
    }
}

/// The block of MobileNetV2 and MNASNet: expand (1×1), filter (depthwise), project (1×1, no activation), and the input added where the
/// shapes allow.
struct InvertedResidual: FeatureLayer {
    private let units: [ConvolutionUnit]
    private let addsInput: Bool

    var isBlock: Bool { true }
    var parameters: [Parameter] { units.flatMap(\.parameters) }

    /// - Parameters:
    ///   - layers: the names of the convolutions and of their batch norms. Blocks with an expansion of 1 have no layer for it.
    ///   - builder: registers the parameters.
    ///   - inputs: channels.
    ///   - outputs: channels.
    ///   - expansion: the channels inside of the block in units of `inputs`.
    ///   - kernel: of the filter.
    ///   - stride: of the filter.
    ///   - activation: after the expansion and the filter.
    init(
        _ layers: [(convolution: String, norm: String)], _ builder: LayerBuilder, from inputs: Int, to outputs: Int, expansion: Int,
        kernel: Int = 3, stride: Int, activation: ActivationFunction
    ) {
        let inside = inputs * expansion
        var units: [ConvolutionUnit] = []
        func add(
            from inputs: Int, to outputs: Int, kernel: Int = 1, stride: Int = 1, isDepthwise: Bool = false, _ activation: ActivationFunction
        ) {
            let (convolution, norm) = layers[units.count]
            units.append(
                ConvolutionUnit(
                    convolution: convolution, norm: norm, builder, from: inputs, to: outputs, kernel: kernel, stride: stride,
                    isDepthwise: isDepthwise, activation: activation))
        }
        if expansion != 1 { add(from: inputs, to: inside, activation) }
        add(from: inside, to: inside, kernel: kernel, stride: stride, isDepthwise: true, activation)
        add(from: inside, to: outputs, .none)
        self.units = units
        addsInput = stride == 1 && inputs == outputs
    }

    /// torchvision's names of a MobileNetV2 block's layers.
    static func layerNames(_ name: String, expansion: Int) -> [(convolution: String, norm: String)] {
        let last = expansion == 1 ? 1 : 2
        return (0..<last).map { ("\(name).\($0).0", "\(name).\($0).1") } + [("\(name).\(last)", "\(name).\(last + 1)")]
    }

    func forward(_ input: FeatureMap, _ pass: Pass) throws -> Forward<FeatureMap, FeaturePullback> {
        var current = input
        var pullbacks: [ConvolutionUnit.UnitPullback] = []
        for (index, unit) in units.enumerated() {
            let isLast = index == units.count - 1
            let result = try unit.forward(
                current, residual: isLast && addsInput ? input : nil, index == 0 ? pass : pass.insideBlock)
            current = result.output
            if let pullback = result.pullback { pullbacks.append(pullback) }
        }
        guard pass.mode == .training else { return Forward(current, nil) }
        return Forward(current) { [addsInput] gradient in
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

    func record(_ input: NetworkValue, in recorder: OperationRecorder) -> NetworkValue {
        units.enumerated().reduce(input) { value, unit in
            unit.element.record(value, residual: addsInput && unit.offset == units.count - 1 ? input : nil, in: recorder)
        }
    }
}
