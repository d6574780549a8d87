/// The measures of a step, as sums: over this rank's images until it is reduced, over the global batch afterwards.
public struct StepReport: Equatable, Sendable {
    /// Images, each counted once (warm-up classifies them once a resolution).
    public var images = 0.0
    /// Classifications: images in fine-tuning, images × resolutions in warm-up.
    public var classifications = 0.0
    /// Σ cross entropy over the classifications, with label smoothing, mixed labels and class weights.
    public var lossSum = 0.0
    /// Classifications whose largest logit was the label's; of a mixed image, that of the label with the larger share.
    public var correct = 0.0
    /// Σ_i Σ_j w_ij C_j, the classifier's cost that the regulariser sees, in the unit that decisions weigh (`CostUnit`).
    public var costSum = 0.0
    /// Σ_i H(π_i) of the predictor's policy, in nats.
    public var entropySum = 0.0
    /// η · L_reg and, where set, the terms on the policy, · images.
    public var penaltySum = 0.0
    /// Σ of the distillation terms, in place and from a teacher, with their weights, over the classifications; 0 where there is none.
    public var distillationSum = 0.0
    /// Images routed to each resolution; empty in warm-up.
    public var routed: [Double] = []

    public init(resolutionCount: Int) {
        routed = [Double](repeating: 0, count: resolutionCount)
    }

    /// The sums as one vector, to be reduced over the ranks; `penaltySum` is global already and not among them.
    public var vector: [Double] {
        get { [images, classifications, lossSum, correct, costSum, entropySum, distillationSum] + routed }
        set {
            (images, classifications, lossSum) = (newValue[0], newValue[1], newValue[2])
            (correct, costSum, entropySum) = (newValue[3], newValue[4], newValue[5])
            distillationSum = newValue[6]
            routed = Array(newValue[7...])
        }
    }

    /// Adds the images of a micro-batch that were routed.
    mutating func add(_ decision: PolicyDecision, costs: [Double]) {
        images += Double(decision.choices.count)
        costSum += decision.cost(costs)
        entropySum += decision.entropy(columns: costs.count)
        for choice in decision.choices { routed[choice] += 1 }
    }

    /// Adds the sums of another step.
    public mutating func add(_ other: StepReport) {
        vector = zip(vector, other.vector).map(+)
        penaltySum += other.penaltySum
    }

    /// L_ce.
    public var meanCrossEntropy: Double { lossSum / max(classifications, 1) }
    /// The distillation terms, in place (warm-up) and from a teacher.
    public var meanDistillation: Double { distillationSum / max(classifications, 1) }
    /// L = L_ce + η L_reg, and what else the penalty holds. Without the distillation terms, and without the factor 1 − α of a teacher, so
    /// that runs with and without them compare.
    public var meanLoss: Double { meanCrossEntropy + penaltySum / max(images, 1) }
    public var accuracy: Double { correct / max(classifications, 1) }
    public var meanCost: Double { costSum / max(images, 1) }
    public var meanEntropy: Double { entropySum / max(images, 1) }
    public var shares: [Double] { routed.map { $0 / max(images, 1) } }
}
