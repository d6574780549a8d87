extension TrainingConfiguration {
    public struct OptimizerOptions: Equatable, Sendable {
        /// Images of a step, over all ranks and micro-batches.
        public var batchSize: Int
        /// Micro-batches of a step; they save memory.
        public var accumulationSteps: Int
        public var momentum: Double
        public var nesterov: Bool
        public var weightDecay: Double
        /// Whether biases and batch norms decay too.
        public var decaysNormAndBias: Bool
        public var labelSmoothing: Double
        /// The gradient's largest norm; 0 for none.
        public var clipGradientNorm: Double

        init(_ section: ConfigurationSection) {
            batchSize = section.integer("batchSize", 1...1_000_000)
            accumulationSteps = section.integer("accumulationSteps", default: 1, 1...100_000)
            momentum = section.number("momentum", default: 0.9, .belowOne)
            nesterov = section.boolean("nesterov", default: false)
            weightDecay = section.number("weightDecay", default: 1e-4, .notNegative)
            decaysNormAndBias = section.boolean("decaysNormAndBias", default: true)
            labelSmoothing = section.number("labelSmoothing", default: 0, .belowOne)
            clipGradientNorm = section.number("clipGradientNorm", default: 0, .notNegative)
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("batchSize", .value(batchSize)), ("accumulationSteps", .value(accumulationSteps)),
                ("momentum", .value(momentum)), ("nesterov", .value(nesterov)), ("weightDecay", .value(weightDecay)),
                ("decaysNormAndBias", .value(decaysNormAndBias)), ("labelSmoothing", .value(labelSmoothing)),
                ("clipGradientNorm", .value(clipGradientNorm)),
            ])
        }
    }
}
