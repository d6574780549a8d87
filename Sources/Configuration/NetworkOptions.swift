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
            architecture = section.choice("architecture", about: "[weights.md](weights.md#backbones) has their sizes")
            width = section.number(
                "width", default: 1, .between(0.05, 8),
                about: "multiplies the channels of each layer; channels are rounded to multiples of 8")
            pretrained = section.optionalText(
                "pretrained",
                about: """
                    a file of weights (safetensors, `.pth`, an index of several files), the folder of a run, or a checkpoint; `#PREFIX` \
                    after the path chooses one of several networks in a file, see below
                    """)
            zeroInitResidual = section.boolean(
                "zeroInitResidual", default: false,
                about: """
                    each residual block starts as the identity; ResNets, ResNeXts and Wide ResNets only, others ignore it
                    """)
            freezeStages = section.integer(
                "freezeStages", default: 0, 0...100,
                about: """
                    the number of stages, from the stem on, that the run does not change; needs `classifier.pretrained`, see below
                    """)
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
            kind = section.choice(
                "kind", default: usualKind, defaultText: "by stages",
                about: """
                    what chooses resolutions. `network`: a predictor, on small images. `cascade`: the classifier's pass at the smallest \
                    resolution, see below. `none`: nothing; the classifier serves fixed resolutions. Default: `network` with \
                    `stages.fineTune`; otherwise `cascade`, or `none` with a single resolution
                    """)
            architecture = section.choice(
                "architecture", default: .residual,
                about: """
                    `network` only. `residual`: the published stem and four residual blocks. `classifier`: the first blocks of \
                    `classifier.architecture` at `classifier.width`, so that pretrained weights always fit
                    """)
            blocks = section.integer(
                "blocks", default: 6, 1...100,
                about: """
                    with `architecture: classifier`: number of its blocks after the stem, at most those of the architecture (ResNet-18: 8, \
                    ResNet-50: 16, MobileNetV2: 17; [weights.md](weights.md#backbones))
                    """)
            head = section.choice(
                "head", default: .threshold,
                about: """
                    `cascade` only. `threshold`: keeps an answer whose largest probability is high enough; it needs no training. \
                    `learned`: a small network, which needs a fine-tune stage
                    """)
            hiddenUnits = section.integer(
                "hiddenUnits", default: 32, 0...4096, about: "with `head: learned`: units of the hidden layer; 0: a linear head")
            widths = section.integers(
                "widths", default: [64, 64, 128, 256, 512], 1...4096, about: "numbers of channels: the stem and the four blocks")
            inputSize = section.integer("inputSize", default: 128, 8...2048, about: "size of the predictor's input in pixels")
            lastLayerScale = section.number(
                "lastLayerScale", default: 0, .fraction,
                about: """
                    multiplies the initial values of the last layer. 0: all resolutions are equally likely at first; 1: PyTorch's \
                    initialisation
                    """)
            warmStart = section.boolean(
                "warmStart", default: kind == .network && architecture == .classifier, defaultText: "by architecture",
                about: """
                    the predictor starts from the classifier's first blocks, see below. Default: true with `architecture: classifier`, \
                    otherwise false
                    """)
            pretrained = section.optionalText(
                "pretrained", about: "the folder of a run, a checkpoint, or the `predictor.safetensors` of one")
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
            mode = section.choice(
                "mode", default: .local,
                about: """
                    `local`: normalise with the statistics of the rank's own sub-batch. `global`: with those of all ranks, so that results \
                    do not depend on the number of ranks; costs a small collective per layer
                    """)
            momentum = section.number(
                "momentum", default: 0.1, .positiveFraction,
                about: """
                    weight of a step in the running statistics; the running statistics include all ranks in both modes
                    """)
            epsilon = section.number(
                "epsilon", default: backbone.batchNormEpsilon, .positive, defaultText: "by architecture",
                about: """
                    added to the variance. Default: torchvision's, 1e-3 for MobileNetV3, otherwise 1e-5. All batch norms of a run have it, \
                    those of a predictor and of a teacher, too
                    """)
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("mode", .scalar(mode.rawValue)), ("momentum", .value(momentum)), ("epsilon", .value(epsilon)),
            ])
        }
    }
}
