import DynamicResolution
import NeuralNetwork

extension TrainingConfiguration {
    /// The classifier's architecture and initial weights.
    public struct ClassifierOptions: Equatable, Sendable {
        public var architecture: Backbone
        /// Factor of the number of channels of every layer.
        public var width: Double
        /// Path of a file of weights or of a run's checkpoint, with a prefix of the names after '#' if the file has several networks; nil
        /// for random weights.
        public var pretrained: String?
        /// Whether every residual block is initially the identity.
        public var zeroInitResidual: Bool
        /// The number of stages, from the stem on, that no stage of the run changes.
        public var freezeStages: Int

        init(_ section: ConfigurationSection) {
            architecture = section.choice("architecture")
            width = section.number("width", default: 1, .between(0.05, 8))
            pretrained = section.optionalText("pretrained")
            zeroInitResidual = section.boolean("zeroInitResidual", default: false)
            freezeStages = section.integer("freezeStages", default: 0, 0...100)
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("architecture", .scalar(architecture.rawValue)), ("width", .value(width)),
                ("pretrained", .value(pretrained)), ("zeroInitResidual", .value(zeroInitResidual)),
                ("freezeStages", .value(freezeStages)),
            ])
        }
    }

    /// What chooses the resolution of an image.
    public enum PredictorKind: String, CaseIterable, Sendable {
        /// Nothing: the run has a classifier for fixed resolutions.
        case none
        /// A network of its own, on small images.
        case network
        /// The classifier's pass at the smallest resolution.
        case cascade
    }

    /// The layers of a predictor that is a network.
    public enum PredictorArchitecture: String, CaseIterable, Sendable {
        /// The published one: a stem and four residual blocks.
        case residual
        /// The first blocks of the classifier's architecture.
        case classifier
    }

    /// The predictor's architecture and initial weights.
    public struct PredictorOptions: Equatable, Sendable {
        public var kind: PredictorKind
        /// `network`: its layers.
        public var architecture: PredictorArchitecture
        /// `network` with the classifier's architecture: the number of its blocks, after the stem.
        public var blocks: Int
        /// `cascade`: what decides from the classifier's pass.
        public var head: CascadeHead
        /// `cascade` with a learned head: units of its hidden layer; 0 for a linear head.
        public var hiddenUnits: Int
        /// Channels of the stem and of the four residual blocks.
        public var widths: [Int]
        /// Side of the predictor's square input, in pixels.
        public var inputSize: Int
        /// Factor of the initial weights of the last layer. With 0, all resolutions have the same probability at first.
        public var lastLayerScale: Double
        /// Whether fine-tuning copies the classifier's first blocks into the predictor at its start.
        public var warmStart: Bool
        /// Path of a safetensors file; nil for random weights.
        public var pretrained: String?

        /// - Parameter usualKind: the default of `kind`.
        init(_ section: ConfigurationSection, usualKind: PredictorKind) {
            kind = section.choice("kind", default: usualKind)
            architecture = section.choice("architecture", default: .residual)
            blocks = section.integer("blocks", default: 6, 1...100)
            head = section.choice("head", default: .threshold)
            hiddenUnits = section.integer("hiddenUnits", default: 32, 0...4096)
            widths = section.integers("widths", default: [64, 64, 128, 256, 512], 1...4096)
            inputSize = section.integer("inputSize", default: 128, 8...2048)
            lastLayerScale = section.number("lastLayerScale", default: 0, .fraction)
            warmStart = section.boolean("warmStart", default: kind == .network && architecture == .classifier)
            pretrained = section.optionalText("pretrained")
            if widths.count != 5 {
                section.report("widths", "has \(widths.count) numbers; it takes five: the stem and the four blocks")
                widths = [64, 64, 128, 256, 512]
            }
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("kind", .scalar(kind.rawValue)), ("architecture", .scalar(architecture.rawValue)), ("blocks", .value(blocks)),
                ("head", .scalar(head.rawValue)), ("hiddenUnits", .value(hiddenUnits)), ("widths", .value(widths)),
                ("inputSize", .value(inputSize)), ("lastLayerScale", .value(lastLayerScale)),
                ("warmStart", .value(warmStart)), ("pretrained", .value(pretrained)),
            ])
        }
    }

    /// The statistics that batch norms normalise with in training.
    public enum BatchNormMode: String, CaseIterable, Sendable {
        /// The statistics of the rank's own sub-batch.
        case local
        /// The statistics of the sub-batches of all ranks together.
        case global
    }

    /// Batch norms in training.
    public struct BatchNormOptions: Equatable, Sendable {
        public var mode: BatchNormMode
        /// Weight of a step's statistics in the running statistics.
        public var momentum: Double
        public var epsilon: Double

        /// - Parameter backbone: defines the default of `epsilon`.
        init(_ section: ConfigurationSection, _ backbone: Backbone) {
            mode = section.choice("mode", default: .local)
            momentum = section.number("momentum", default: 0.1, .positiveFraction)
            epsilon = section.number("epsilon", default: backbone.batchNormEpsilon, .positive)
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("mode", .scalar(mode.rawValue)), ("momentum", .value(momentum)), ("epsilon", .value(epsilon)),
            ])
        }
    }
}
