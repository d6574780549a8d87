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
            kind = section.choice("kind", default: .sgd)
            batchSize = section.integer("batchSize", 1...1_000_000)
            accumulationSteps = section.integer("accumulationSteps", default: 1, 1...100_000)
            momentum = section.number("momentum", default: 0.9, .belowOne)
            nesterov = section.boolean("nesterov", default: false)
            betas = section.numbers("betas", default: [0.9, 0.999], count: 2, .belowOne)
            epsilon = section.number("epsilon", default: 1e-8, .positive)
            // PyTorch's default for AdamW.
            weightDecay = section.number("weightDecay", default: kind == .adamW ? 0.01 : 1e-4, .notNegative)
            decaysNormAndBias = section.boolean("decaysNormAndBias", default: true)
            layerDecay = section.number("layerDecay", default: 1, .positiveFraction)
            emaDecay = section.number("emaDecay", default: 0, .belowOne)
            labelSmoothing = section.number("labelSmoothing", default: 0, .belowOne)
            clipGradientNorm = section.number("clipGradientNorm", default: 0, .notNegative)
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
