import Interchange
import Configuration
import DynamicResolution
import Foundation

/// How a policy can stop to be one.
enum Collapse: String, Codable, CaseIterable, Sendable {
    /// One resolution takes (almost) all images.
    case oneResolution
    /// The predictor is sure of every image, though resolutions differ.
    case noEntropy
}

/// Says in words when a policy has collapsed; once for each collapse, and again only after it had ended.
struct CollapseMonitor {
    /// A collapse begins where the running share of one resolution reaches the first, and ends where it falls below the second.
    private static let share = (begins: 0.98, ends: 0.9)
    /// Likewise for the running entropy, in units of its largest, log m. Where a data set's classes of difficulty are sharp, a good predictor
    /// is sure too: some 0.02 was seen.
    private static let entropy = (begins: 0.003, ends: 0.01)

    let resolutions: [Int]
    let policy: TrainingConfiguration.PolicyOptions
    /// α, in multiply-adds.
    let target: Double

    /// What is to be told after a step; keeps in the state that it was.
    ///
    /// - Parameter costsPress: false while η warms up. The largest resolution is the best one then, and may take all.
    func warnings(_ state: inout PolicyState, costsPress: Bool = true) -> [String] {
        guard state.steps >= PolicyState.window else { return [] }
        let largest = state.shares.indices.max { state.shares[$0] < state.shares[$1] } ?? 0
        let share = state.shares[largest]
        let entropy = state.entropy / log(Double(resolutions.count))
        var warnings: [String] = []
        let takesAll = share >= Self.share.begins
        if !costsPress && takesAll && largest == 0 { return [] }
        if update(&state, .oneResolution, begins: takesAll, ends: share < Self.share.ends) {
            warnings.append(
                "\(percent(share)) % of the images of the last steps went to \(resolutions[largest]) pixels: the policy has collapsed onto one "
                    + "resolution, and learns next to nothing about the others. \(advice(onto: largest, state))")
        }
        // Where one resolution takes all, that has been said.
        let begins = entropy < Self.entropy.begins && !state.openCollapses.contains(.oneResolution)
        if update(&state, .noEntropy, begins: begins, ends: entropy > Self.entropy.ends) {
            warnings.append(
                "the entropy of the policy is gone (\(percent(entropy)) % of its largest): the predictor is sure of every image and hardly changes "
                    + "its mind any more. To keep it open, try \(moreEntropy) or a lower "
                    + "stages.fineTune.predictorLearningRateMultiplier")
        }
        return warnings
    }

    /// Whether a collapse is new.
    private func update(_ state: inout PolicyState, _ collapse: Collapse, begins: Bool, ends: Bool) -> Bool {
        if ends { state.openCollapses.removeAll { $0 == collapse } }
        guard begins, !state.openCollapses.contains(collapse) else { return false }
        state.openCollapses.append(collapse)
        return true
    }

    private func advice(onto resolution: Int, _ state: PolicyState) -> String {
        var advice: [String] = []
        switch policy.estimator {
        case .straightThrough: advice.append("policy.estimator expected, probe or dense, which compare the resolutions with one another")
        case .expected where policy.batchNormImages == .routed:
            advice.append("policy.batchNormImages all, which keeps the other resolutions' batch norms up to date")
        case .probe: advice.append("policy.estimator expected or dense, which see every resolution in every step")
        default: break
        }
        if state.cost > target {
            advice.append("a larger policy.flopsWeight or policy.flopsPenalty lagrangian, as the mean cost is above policy.flopsTarget")
        } else if resolution == resolutions.count - 1 && policy.flopsPenalty == .hinge {
            advice.append("policy.flopsPenalty two-sided, as the mean cost is below policy.flopsTarget")
        }
        advice += ["\(moreEntropy), which keeps the predictor from being sure too early", "policy.balanceWeight (such as 0.1)"]
        return "Try " + advice.joined(separator: "; ")
    }

    /// Twice the weight, or the default one: half of the default does not hold on the quickstart's images (docs/policy.md).
    private var moreEntropy: String {
        let weight = max(0.1, 2 * policy.terms.entropyWeight)
        return "policy.entropyWeight \(ConfigurationText.number(weight))"
    }

    private func percent(_ share: Double) -> String { Figures.percent(share) }
}
