import NeuralNetwork

extension TrainingConfiguration {
    public struct ClassifierOptions: Equatable, Sendable {
        public var architecture: Backbone
        /// Multiplies the channels of every layer.
        public var width: Double
        /// A safetensors file of torchvision's or of a run; nil to train from scratch.
        public var pretrained: String?
        /// Start every residual block as the identity.
        public var zeroInitResidual: Bool

        init(_ section: ConfigurationSection) {
            architecture = section.choice("architecture")
            width = section.number("width", default: 1, .between(0.05, 8))
            pretrained = section.optionalText("pretrained")
            zeroInitResidual = section.boolean("zeroInitResidual", default: false)
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("architecture", .scalar(architecture.rawValue)), ("width", .value(width)),
                ("pretrained", .value(pretrained)), ("zeroInitResidual", .value(zeroInitResidual)),
            ])
        }
    }

    public struct PredictorOptions: Equatable, Sendable {
        /// Channels of the stem and of the four blocks.
        public var widths: [Int]
        /// Side of the square that the predictor sees, in pixels.
        public var inputSize: Int
        /// What the initial values of its last layer are multiplied with; 0: all resolutions are equally likely at first.
        public var lastLayerScale: Double
        /// Start from the classifier's first blocks, when fine-tuning begins.
        public var warmStart: Bool
        public var pretrained: String?

        init(_ section: ConfigurationSection) {
            widths = section.integers("widths", default: [64, 64, 128, 256, 512], 1...4096)
            inputSize = section.integer("inputSize", default: 128, 8...2048)
            lastLayerScale = section.number("lastLayerScale", default: 0, .fraction)
            warmStart = section.boolean("warmStart", default: false)
            pretrained = section.optionalText("pretrained")
            if widths.count != 5 {
                section.report("widths", "has \(widths.count) numbers; the predictor takes five, of its stem and its four blocks")
                widths = [64, 64, 128, 256, 512]
            }
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("widths", .value(widths)), ("inputSize", .value(inputSize)), ("lastLayerScale", .value(lastLayerScale)),
                ("warmStart", .value(warmStart)), ("pretrained", .value(pretrained)),
            ])
        }
    }

    /// What batch norms normalise with.
    public enum BatchNormMode: String, CaseIterable, Sendable {
        /// The statistics of the rank's own sub-batch.
        case local
        /// The statistics of all ranks' sub-batches together.
        case global
    }

    public struct BatchNormOptions: Equatable, Sendable {
        public var mode: BatchNormMode
        /// Weight of a step's statistics in the running ones.
        public var momentum: Double
        public var epsilon: Double

        init(_ section: ConfigurationSection) {
            mode = section.choice("mode", default: .local)
            momentum = section.number("momentum", default: 0.1, .positiveFraction)
            epsilon = section.number("epsilon", default: 1e-5, .positive)
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("mode", .scalar(mode.rawValue)), ("momentum", .value(momentum)), ("epsilon", .value(epsilon)),
            ])
        }
    }
}
