import DynamicResolution
import Foundation

/// What fine-tuning keeps an eye on besides the weights.
extension Trainer {
    /// The effective η: the configured one, or the multiplier in its place, in its warm-up.
    ///
    /// - Parameter epoch: of fine-tuning, fractional.
    func flopsWeight(at epoch: Double) -> Double {
        let policy = configuration.policy
        let multiplier = policy.flopsPenalty == .lagrangian ? state.policy?.multiplier : nil
        return policy.flopsWarmUp(at: epoch) * (multiplier ?? policy.flopsWeight)
    }

    /// After a step of fine-tuning, summed over the ranks. The multiplier waits until the warm-up of η is over: what η does not press on yet is
    /// no reason to raise it.
    func updatePolicyState(_ report: StepReport, at epoch: Double, stepsPerEpoch: Int) {
        guard let regularizer else { return }
        let policy = configuration.policy
        var policyState = state.policy ?? PolicyState()
        policyState.add(report)
        if policy.flopsPenalty == .lagrangian && epoch >= policy.flopsWarmUpEpochs {
            policyState.ascend(regularizer, start: policy.flopsWeight, rate: policy.multiplierRate / Double(stepsPerEpoch))
        }
        state.policy = policyState
    }

    /// Tells of a collapse that the last step has shown.
    ///
    /// - Parameter epoch: of fine-tuning, fractional.
    func warnOfCollapse(_ plan: StagePlan, at epoch: Double) throws {
        // A frozen predictor can not be advised.
        guard let regularizer, var policyState = state.policy, case .fineTune(let stage) = plan, stage.freeze != .predictor else { return }
        let monitor = CollapseMonitor(
            resolutions: model.resolutions, policy: configuration.policy, target: regularizer.target)
        let warnings = monitor.warnings(&policyState, costsPress: epoch >= configuration.policy.flopsWarmUpEpochs)
        state.policy = policyState
        for warning in warnings { try journal?.warn(warning, plan: plan, position: state.position) }
    }
}
