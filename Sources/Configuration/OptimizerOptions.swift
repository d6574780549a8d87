extension TrainingConfiguration {
    /// SGD and the batches of training.
    public struct OptimizerOptions: Equatable, Sendable {
        /// Images of a step, over all ranks and all micro-batches.
        public var batchSize: Int
        /// Micro-batches of a step. More micro-batches need less memory.
        public var accumulationSteps: Int
        public var momentum: Double
        public var nesterov: Bool
        public var weightDecay: Double
        /// Whether weight decay applies to biases and batch norms.
        public var decaysNormAndBias: Bool
        public var labelSmoothing: Double
        /// The gradient is clipped to this norm; 0 disables clipping.
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
