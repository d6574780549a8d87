import DynamicResolution

extension TrainingConfiguration {
    /// The stages of a run, in this order. Each can be nil.
    public struct StagesOptions: Equatable, Sendable {
        public var warmUp: WarmUpStage?
        public var fineTune: FineTuneStage?
        public var recalibrate: RecalibrateStage?

        /// - Parameter batchSize: images of a step, which learning rates can depend on.
        init(_ section: ConfigurationSection, batchSize: Int) {
            warmUp = section.optionalSection("warmUp").map { WarmUpStage($0, batchSize: batchSize) }
            fineTune = section.optionalSection("fineTune").map { FineTuneStage($0, batchSize: batchSize) }
            recalibrate = section.optionalSection("recalibrate").map(RecalibrateStage.init)
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("warmUp", warmUp?.text ?? .scalar("null")), ("fineTune", fineTune?.text ?? .scalar("null")),
                ("recalibrate", recalibrate?.text ?? .scalar("null")),
            ])
        }
    }

    /// Trains the classifier at every resolution on every image.
    public struct WarmUpStage: Equatable, Sendable {
        public var epochs: Int
        public var learningRate: LearningRateSchedule
        /// Evaluations without a better score after which the stage ends; 0: the stage has all its epochs.
        public var patience: Int
        /// Distillation between the resolutions; nil without it.
        public var distillation: InPlaceDistillation?

        init(_ section: ConfigurationSection, batchSize: Int) {
            epochs = section.integer("epochs", 1...100_000, about: "the classifier learns every resolution on every image")
            learningRate = LearningRateSchedule(section.section("learningRate"), epochs: epochs, batchSize: batchSize)
            patience = section.integer(
                "patience", default: 0, 0...100_000,
                about: """
                    evaluations without a better score after which the stage ends, see below; 0: the stage has all its epochs
                    """)
            let teaching = section.section("distillation")
            let weight = teaching.number(
                "weight", default: 0, .notNegative, about: "weight of in-place distillation between resolutions, see below; 0: none")
            distillation = weight > 0 ? InPlaceDistillation(weight: weight) : nil
            teaching.finish()
            section.finish()
        }

        package func learningRate(at epoch: Double) -> Double { learningRate.rate(at: epoch, of: epochs) }

        var text: ConfigurationText {
            .section([
                ("epochs", .value(epochs)), ("learningRate", learningRate.text), ("patience", .value(patience)),
                ("distillation", .section([("weight", .value(distillation?.weight ?? 0))])),
            ])
        }
    }

    /// Trains predictor and classifier together.
    public struct FineTuneStage: Equatable, Sendable {
        public var epochs: Int
        public var learningRate: LearningRateSchedule
        /// Evaluations without a better score after which the stage ends; 0: the stage has all its epochs.
        public var patience: Int
        /// The predictor's learning rate in units of the classifier's.
        public var predictorLearningRateMultiplier: Double
        /// The network that the stage does not change.
        public var freeze: FrozenPart

        init(_ section: ConfigurationSection, batchSize: Int) {
            epochs = section.integer("epochs", 1...100_000, about: "predictor and classifier train together")
            learningRate = LearningRateSchedule(section.section("learningRate"), epochs: epochs, batchSize: batchSize)
            patience = section.integer("patience", default: 0, 0...100_000, about: "the same as for `stages.warmUp`")
            predictorLearningRateMultiplier = section.number(
                "predictorLearningRateMultiplier", default: 0.1, .notNegative,
                about: """
                    the predictor's learning rate in units of the classifier's. 0.1 is the published value; a predictor from scratch in a \
                    short stage needs 1 to 10 (configs/)
                    """)
            freeze = section.choice(
                "freeze", default: FrozenPart.none,
                about: """
                    `none`, `classifier` or `predictor`: this part does not change during the stage, see below
                    """)
            section.finish()
        }

        package func learningRate(at epoch: Double) -> Double { learningRate.rate(at: epoch, of: epochs) }

        var text: ConfigurationText {
            .section([
                ("epochs", .value(epochs)), ("learningRate", learningRate.text), ("patience", .value(patience)),
                ("predictorLearningRateMultiplier", .value(predictorLearningRateMultiplier)), ("freeze", .scalar(freeze.rawValue)),
            ])
        }
    }

    /// Re-estimates the batch-norm statistics with fixed weights.
    public struct RecalibrateStage: Equatable, Sendable {
        /// Number of batches, each of optimizer.batchSize / accumulationSteps training images.
        public var batches: Int

        init(_ section: ConfigurationSection) {
            batches = section.integer(
                "batches", default: 50, 1...1_000_000,
                about: """
                    training batches from which the batch-norm statistics are estimated again; each has `optimizer.batchSize / \
                    accumulationSteps` images
                    """)
            section.finish()
        }

        var text: ConfigurationText { .section([("batches", .value(batches))]) }
    }
}
