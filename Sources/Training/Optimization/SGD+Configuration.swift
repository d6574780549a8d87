import Configuration

extension SGD.Options {
    init(_ options: TrainingConfiguration.OptimizerOptions) {
        self.init(
            momentum: options.momentum, nesterov: options.nesterov, weightDecay: options.weightDecay,
            decaysNormAndBias: options.decaysNormAndBias)
    }
}
