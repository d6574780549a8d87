extension TrainingConfiguration {
    /// The rule that updates the weights.
    public enum OptimizerKind: String, CaseIterable, Sendable {
        /// Stochastic gradient descent with momentum.
        case sgd
        case adamW = "adamw"
    }

    /// The optimiser and the batches of training.
    public struct OptimizerOptions: Equatable, Sendable {
        public var kind: OptimizerKind
        /// Images of a step, over all ranks and all micro-batches.
        public var batchSize: Int
        /// Micro-batches of a step. More micro-batches need less memory.
        public var accumulationSteps: Int
        /// `sgd`.
        public var momentum: Double
        public var nesterov: Bool
        /// `adamw`: β₁ and β₂, the shares of the earlier mean gradient and mean square in the new ones.
        public var betas: [Double]
        /// `adamw`: ε in the denominator.
        public var epsilon: Double
        public var weightDecay: Double
        /// Whether weight decay applies to biases and batch norms.
        public var decaysNormAndBias: Bool
        /// The learning rate of each part of the classifier, in units of that of the part after it.
        public var layerDecay: Double
        /// The decay of the weights' moving averages; 0 without averages.
        public var emaDecay: Double
        public var labelSmoothing: Double
        /// The gradient is clipped to this norm; 0 disables clipping.
        public var clipGradientNorm: Double

        init(_ section: ConfigurationSection) {
            kind = section.choice("kind", default: .sgd, about: "the formulas of torch.optim.SGD and torch.optim.AdamW")
            batchSize = section.integer("batchSize", 1...1_000_000, about: "images per step over all ranks")
            accumulationSteps = section.integer(
                "accumulationSteps", default: 1, 1...100_000, about: "micro-batches per step, a divisor of the batch size; saves memory")
            momentum = section.number("momentum", default: 0.9, .belowOne, about: "`sgd`: share of the earlier momentum in the new one")
            nesterov = section.boolean("nesterov", default: false, about: "`sgd`: needs momentum above 0")
            betas = section.numbers(
                "betas", default: [0.9, 0.999], count: 2, .belowOne, about: "`adamw`: β₁ of the mean gradient and β₂ of the mean square")
            epsilon = section.number("epsilon", default: 1e-8, .positive, about: "`adamw`: ε in the denominator")
            // PyTorch's default for AdamW.
            weightDecay = section.number(
                "weightDecay", default: kind == .adamW ? 0.01 : 1e-4, .notNegative, defaultText: "1e-4; adamw: 0.01",
                about: """
                    `sgd` adds it times the weights to the gradient; `adamw` multiplies the weights by 1 − rate · weightDecay
                    """)
            decaysNormAndBias = section.boolean(
                "decaysNormAndBias", default: true, about: "whether weight decay also applies to biases and batch norms")
            layerDecay = section.number(
                "layerDecay", default: 1, .positiveFraction,
                about: """
                    d: each part of the classifier has d times the learning rate of the part after it, see below
                    """)
            emaDecay = section.number(
                "emaDecay", default: 0, .belowOne,
                about: """
                    decay of the weights' moving averages, which evaluations use; 0: no averages, see below
                    """)
            labelSmoothing = section.number(
                "labelSmoothing", default: 0, .belowOne,
                about: """
                    ε: the target of an image is 1 − ε times its label, plus ε divided evenly among all classes
                    """)
            clipGradientNorm = section.number(
                "clipGradientNorm", default: 0, .notNegative, about: "maximum norm of all gradients together; 0: no clipping")
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("kind", .scalar(kind.rawValue)), ("batchSize", .value(batchSize)), ("accumulationSteps", .value(accumulationSteps)),
                ("momentum", .value(momentum)), ("nesterov", .value(nesterov)), ("betas", .value(betas)),
                ("epsilon", .value(epsilon)), ("weightDecay", .value(weightDecay)), ("decaysNormAndBias", .value(decaysNormAndBias)),
                ("layerDecay", .value(layerDecay)), ("emaDecay", .value(emaDecay)), ("labelSmoothing", .value(labelSmoothing)),
                ("clipGradientNorm", .value(clipGradientNorm)),
            ])
        }
    }
}
