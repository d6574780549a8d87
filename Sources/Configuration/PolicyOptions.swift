import DynamicResolution
import Foundation

extension TrainingConfiguration {
    /// How the predictor's gradient is estimated.
    public enum Estimator: String, CaseIterable, Sendable {
        case straightThrough = "straight-through"
        case dense, expected, probe, regression
    }

    /// How fine-tuning trains the choice of resolutions.
    public struct PolicyOptions: Equatable, Sendable {
        public var estimator: Estimator
        /// The images that update the classifier's batch-norm statistics in fine-tuning.
        public var batchNormImages: BatchNormImages
        /// τ of the Gumbel softmax. It moves geometrically from the beginning to the end of the stage.
        public var temperature: TemperatureRange
        /// η, the weight of the FLOPs penalty; the initial multiplier of the penalty `lagrangian`.
        public var flopsWeight: Double
        /// Epochs of fine-tuning in which η rises linearly from 0.
        public var flopsWarmUpEpochs: Double
        /// α, the mean cost of an image above which the penalty acts. A share is 0 … 1.
        public var flopsTarget: ComputeCost
        public var flopsPenalty: FLOPsPenalty
        /// `lagrangian`: the increase of the multiplier in an epoch, for each unit of excess.
        public var multiplierRate: Double
        /// The decider learns from one of this many parts of the training images, and the classifier from the others; 0: both from all.
        public var heldOutParts: Int
        /// The milliseconds that decisions weigh; nil for multiply-adds.
        public var costTable: CostTable?
        /// Whether the target includes the predictor's own cost.
        public var countPredictor: Bool
        /// The weights of balance and entropy.
        public var terms: PolicyTerms

        /// τ at the beginning and at the end of fine-tuning.
        public struct TemperatureRange: Equatable, Sendable {
            public var start: Double
            public var end: Double
        }

        /// τ.
        ///
        /// - Parameter progress: the finished part of the stage, 0 … 1.
        public func temperature(progress: Double) -> Double {
            temperature.start * pow(temperature.end / temperature.start, progress)
        }

        /// Whether a multiplier follows the excess of the cost, in place of a constant weight. `regression` has a price of the cost for its
        /// report only.
        public var hasMultiplier: Bool { flopsPenalty == .lagrangian || estimator == .regression }

        /// The factor of η, 0 … 1, after a fractional number of epochs of fine-tuning.
        public func flopsWarmUp(at epoch: Double) -> Double {
            epoch < flopsWarmUpEpochs ? epoch / flopsWarmUpEpochs : 1
        }

        /// - Parameter frozen: the part that fine-tuning does not change.
        init(_ section: ConfigurationSection, frozen: FrozenPart) {
            estimator = section.choice(
                "estimator", default: .expected,
                about: """
                    estimator of the predictor's gradient: `straight-through`, `dense`, `expected`, `probe` or `regression`, see below
                    """)
            batchNormImages = Self.batchNormImages(section, estimator, frozen)
            temperature = Self.temperature(section)
            flopsWeight = section.number(
                "flopsWeight", default: 1, .notNegative, about: "η, weight of the cost penalty; with `lagrangian`, the initial multiplier")
            flopsWarmUpEpochs = section.number(
                "flopsWarmUpEpochs", default: 0, .notNegative,
                about: """
                    epochs of fine-tuning in which η rises linearly from 0, at most the stage's; the predictor then sees differences in \
                    loss before the cost penalty acts
                    """)
            flopsTarget = Self.target(section)
            costTable = Self.costTable(section)
            flopsPenalty = section.choice(
                "flopsPenalty", default: .hinge,
                about: """
                    function of x = (F̄ − α) / (C_1 − C_m). `hinge`, the published one: max(0, x). `two-sided`: |x|, so that F̄ settles at \
                    α. `lagrangian`: μ · x instead of η · x. The multiplier μ ≥ 0 rises while the running mean of F̄ is above α and falls \
                    while it is below
                    """)
            multiplierRate = section.number(
                "multiplierRate", default: 5, .positive,
                about: """
                    `lagrangian` only: increase of μ per epoch and unit of x. μ is constant during the warm-up of η
                    """)
            countPredictor = section.boolean(
                "countPredictor", default: false, about: "whether the predictor's own cost counts towards the target")
            heldOutParts = section.integer(
                "heldOutParts", default: 0, 0...20,
                about: """
                    K, not 1: the training images are divided into K parts, class by class. The decider learns from the first part only, \
                    and the classifier from the others, so that the losses that the decider sees are those of images that the classifier \
                    has not learnt by heart. Needs `stages.fineTune.freeze: classifier`. 0: both learn from all images
                    """)
            if heldOutParts == 1 { section.report("heldOutParts", "is 1, which leaves the classifier no images; it takes 0, or 2 to 20") }
            terms = PolicyTerms(
                balanceWeight: section.number(
                    "balanceWeight", default: 0, .notNegative,
                    about: """
                        adds this times KL(π̄ ‖ uniform) to the loss. π̄ is the mean policy of the global batch. Keeps every resolution in \
                        use
                        """),
                entropyWeight: section.number(
                    "entropyWeight", default: estimator == .regression ? 0 : 0.1, .notNegative, defaultText: "0.1; `regression`: 0",
                    about: """
                        subtracts this times the mean entropy of π, in nats, from the loss. Keeps the predictor from becoming certain of \
                        every image too early ([policy.md](policy.md)). 0 gives the published loss
                        """))
            if estimator == .regression && terms != PolicyTerms() {
                section.report(
                    terms.entropyWeight > 0 ? "entropyWeight" : "balanceWeight",
                    "is set, but policy.estimator regression predicts losses and has no probabilities: remove the key")
            }
            section.finish()
        }

        /// `dense` updates the batch norms with all images. `straight-through` and `probe` update them with the routed images. `expected`
        /// supports both; its default is all images, so that the statistics of rarely chosen resolutions stay up to date. With a frozen
        /// part, the default is the routed images.
        private static func batchNormImages(
            _ section: ConfigurationSection, _ estimator: Estimator, _ frozen: FrozenPart
        ) -> BatchNormImages {
            let runsAll = estimator == .dense || estimator == .regression
            let usual: BatchNormImages = runsAll || (estimator == .expected && frozen == .none) ? .all : .routed
            let images = section.choice(
                "batchNormImages", default: usual, defaultText: "by estimator",
                about: """
                    the images that the classifier's running batch-norm statistics include during fine-tuning: `routed` (those sent to the \
                    resolution) or `all`, see below
                    """)
            if images != usual && estimator != .expected {
                section.report(
                    "batchNormImages",
                    "is \(images.rawValue), but policy.estimator \(estimator.rawValue) "
                        + (runsAll ? "runs" : "does not run") + " every image at every resolution: remove the key, or use "
                        + "the estimator expected, which supports both values")
            }
            return images
        }

        private static func temperature(_ section: ConfigurationSection) -> TemperatureRange {
            guard let node = section.value("temperature") else { return TemperatureRange(start: 1, end: 1) }
            guard node.entries != nil else {
                let value = section.number(node, "temperature", .positive)
                return TemperatureRange(start: value, end: value)
            }
            let bounds = section.section("temperature")
            let result = TemperatureRange(
                start: bounds.number(
                    "start", .positive,
                    about: """
                        τ of the Gumbel softmax at the start of the stage. `temperature: 0.7` sets a constant; a section needs both keys. \
                        Only `straight-through` and `dense` use it
                        """),
                end: bounds.number("end", .positive, about: "τ at the end of the stage; geometric interpolation between the two"))
            bounds.finish()
            return result
        }

        private static func target(_ section: ConfigurationSection) -> ComputeCost {
            section.declare(
                "flopsTarget", "0…1, or a number with K, M or G", "0.6",
                """
                α, the target of the mean cost: a share of the largest resolution's cost, up to 1, or multiply-adds such as `2.5G`, `300M` \
                or `40K`; not below the smallest resolution's cost. With a table in `policy.cost`, a share of the largest resolution's \
                milliseconds. A trained run can be evaluated at other budgets: [budget.md](budget.md)
                """)
            guard let node = section.value("flopsTarget") else { return .share(0.6) }
            // A resolved configuration has multiply-adds without a suffix.
            guard let target = ComputeCost(node.text ?? "", largestShare: 1) else {
                section.report("flopsTarget", "is \(node.description); allowed is \(ComputeCost.allowed)")
                return .share(0.6)
            }
            return target
        }

        var text: ConfigurationText {
            let target: ConfigurationText
            switch flopsTarget {
            case .share(let share): target = .value(share)
            case .multiplyAdds(let count): target = .value(count)
            }
            return .section([
                ("estimator", .scalar(estimator.rawValue)), ("batchNormImages", .scalar(batchNormImages.rawValue)),
                ("temperature", .section([("start", .value(temperature.start)), ("end", .value(temperature.end))])),
                ("flopsWeight", .value(flopsWeight)), ("flopsWarmUpEpochs", .value(flopsWarmUpEpochs)), ("flopsTarget", target),
                ("cost", costTable?.text ?? .scalar("flops")),
                ("flopsPenalty", .scalar(flopsPenalty.rawValue)), ("multiplierRate", .value(multiplierRate)),
                ("countPredictor", .value(countPredictor)), ("heldOutParts", .value(heldOutParts)),
                ("balanceWeight", .value(terms.balanceWeight)),
                ("entropyWeight", .value(terms.entropyWeight)),
            ])
        }
    }
}
