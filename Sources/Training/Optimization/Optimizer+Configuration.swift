import Configuration

extension Optimizer.Options {
    init(_ options: TrainingConfiguration.OptimizerOptions) {
        let rule: UpdateRule
        switch options.kind {
        case .sgd: rule = .sgd(momentum: options.momentum, nesterov: options.nesterov)
        case .adamW: rule = .adamW(beta1: options.betas[0], beta2: options.betas[1], epsilon: options.epsilon)
        }
        self.init(
            rule: rule, weightDecay: options.weightDecay, decaysNormAndBias: options.decaysNormAndBias, layerDecay: options.layerDecay)
    }
}
