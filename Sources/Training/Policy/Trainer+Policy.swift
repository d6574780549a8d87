import DynamicResolution
import Foundation

/// The state of the policy in fine-tuning: the weight of the FLOPs penalty, running means, and warnings.
extension Trainer {
    /// The effective η: the configured weight or, with the penalty `lagrangian` or the estimator `regression`, the multiplier; both scaled
    /// by the warm-up of η.
    ///
    /// - Parameter epoch: fractional, within fine-tuning.
    func flopsWeight(at epoch: Double) -> Double {
        let policy = configuration.policy
        let multiplier = policy.hasMultiplier ? state.policy?.multiplier : nil
        return policy.flopsWarmUp(at: epoch) * (multiplier ?? policy.flopsWeight)
    }

    /// Updates the running means and the multiplier after a step of fine-tuning. The multiplier does not change in the warm-up of η: the
    /// excess cost of a penalty that is not fully applied must not raise it.
    ///
    /// - Parameter report: summed over the ranks.
    func updatePolicyState(_ report: StepReport, at epoch: Double, stepsPerEpoch: Int) {
        guard let regularizer else { return }
        let policy = configuration.policy
        var policyState = state.policy ?? PolicyState()
        policyState.add(report)
        if policy.hasMultiplier && epoch >= policy.flopsWarmUpEpochs {
            policyState.ascend(regularizer, start: policy.flopsWeight, rate: policy.multiplierRate / Double(stepsPerEpoch))
        }
        state.policy = policyState
    }

    /// Writes a warning to the journal if the policy has collapsed.
    ///
    /// - Parameter epoch: fractional, within fine-tuning.
    func warnOfCollapse(_ plan: StagePlan, at epoch: Double) throws {
        // The advice of the warnings does not apply to a frozen predictor, nor to one without probabilities.
        guard configuration.policy.estimator != .regression, let regularizer, var policyState = state.policy,
            case .fineTune(let stage) = plan, stage.freeze != .predictor
        else { return }
        let monitor = CollapseMonitor(
            resolutions: model.resolutions, policy: configuration.policy, target: regularizer.target)
        let warnings = monitor.warnings(&policyState, penaltyIsFull: epoch >= configuration.policy.flopsWarmUpEpochs)
        state.policy = policyState
        for warning in warnings { try journal?.warn(warning, plan: plan, position: state.position) }
    }
}
