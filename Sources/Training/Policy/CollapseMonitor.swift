import Configuration
import Foundation
import Interchange

/// Ways in which a policy can degenerate.
enum Collapse: String, Codable, CaseIterable, Sendable {
    /// The policy routes almost all images to one resolution.
    case oneResolution
    /// The predictor's probabilities are close to 0 and 1 for all images. Different images can still have different resolutions.
    case noEntropy
}

/// Warns when a policy has collapsed. It warns once for each collapse, and again only after the collapse has ended.
struct CollapseMonitor {
    /// `oneResolution` begins when the running share of one resolution reaches the first value, and ends when it is below the second.
    private static let share = (begins: 0.98, ends: 0.9)
    /// `noEntropy` begins when the running entropy is below the first value, and ends when it is above the second. The unit is the largest
    /// entropy, log m. If the difficulty of images is easy to see, the entropy of a good predictor is small too: 0.02 was measured.
    private static let entropy = (begins: 0.003, ends: 0.01)

    let resolutions: [Int]
    let policy: TrainingConfiguration.PolicyOptions
    /// α, in the unit that decisions weigh.
    let target: Double

    /// The new warnings after a step. Records the open collapses in the state.
    ///
    /// - Parameter penaltyIsFull: false in the warm-up of η. The largest resolution is then expected to be the best one for all images.
    func warnings(_ state: inout PolicyState, penaltyIsFull: Bool = true) -> [String] {
        guard state.steps >= PolicyState.window else { return [] }
        let largest = state.shares.indices.max { state.shares[$0] < state.shares[$1] } ?? 0
        let share = state.shares[largest]
        let entropy = state.entropy / log(Double(resolutions.count))
        var warnings: [String] = []
        let takesAll = share >= Self.share.begins
        if !penaltyIsFull && takesAll && largest == 0 { return [] }
        if update(&state, .oneResolution, begins: takesAll, ends: share < Self.share.ends) {
            warnings.append(
                "\(percent(share)) % of the images of the last steps went to \(resolutions[largest]) pixels: "
                    + "the policy has collapsed onto one "
                    + "resolution, and learns almost nothing about the others. \(advice(onto: largest, state))")
        }
        // A collapse onto one resolution includes small entropy; it has its own warning.
        let begins = entropy < Self.entropy.begins && !state.openCollapses.contains(.oneResolution)
        if update(&state, .noEntropy, begins: begins, ends: entropy > Self.entropy.ends) {
            warnings.append(
                "the policy has lost its entropy (\(percent(entropy)) % of the maximum): the predictor's choices are certain for every "
                    + "image and rarely "
                    + "change. To increase the entropy, try \(moreEntropy) or a lower stages.fineTune.predictorLearningRateMultiplier")
        }
        return warnings
    }

    /// Updates the open collapses.
    ///
    /// - Returns: whether the collapse is new.
    private func update(_ state: inout PolicyState, _ collapse: Collapse, begins: Bool, ends: Bool) -> Bool {
        if ends { state.openCollapses.removeAll { $0 == collapse } }
        guard begins, !state.openCollapses.contains(collapse) else { return false }
        state.openCollapses.append(collapse)
        return true
    }

    private func advice(onto resolution: Int, _ state: PolicyState) -> String {
        var advice: [String] = []
        switch policy.estimator {
        case .straightThrough: advice.append("policy.estimator expected, probe or dense, which compare the resolutions with each other")
        case .expected where policy.batchNormImages == .routed:
            advice.append("policy.batchNormImages all, which keeps the other resolutions' batch norms up to date")
        case .probe: advice.append("policy.estimator expected or dense, which evaluate every resolution in every step")
        default: break
        }
        if state.cost > target {
            advice.append(
                "a larger policy.flopsWeight or policy.flopsPenalty lagrangian, because the mean cost is above policy.flopsTarget")
        } else if resolution == resolutions.count - 1 && policy.flopsPenalty == .hinge {
            advice.append("policy.flopsPenalty two-sided, because the mean cost is below policy.flopsTarget")
        }
        advice += ["\(moreEntropy), which keeps the predictor from becoming certain too early", "policy.balanceWeight (such as 0.1)"]
        return "Try " + advice.joined(separator: "; ")
    }

    /// Advises twice the entropy weight, at least the default: half of the default does not prevent a collapse on the quickstart's images
    /// (docs/policy.md).
    private var moreEntropy: String {
        let weight = max(0.1, 2 * policy.terms.entropyWeight)
        return "policy.entropyWeight \(ConfigurationText.number(weight))"
    }

    private func percent(_ share: Double) -> String { Figures.percent(share) }
}
