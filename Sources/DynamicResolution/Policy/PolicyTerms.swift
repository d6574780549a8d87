import Foundation

/// Optional terms on the policy itself, besides its cost: λ_b · KL(π̄ ‖ uniform) − λ_e · mean_i H(π_i), where π̄ is the mean policy of the
/// global batch. The first term keeps every resolution in use. The second keeps the predictor uncertain about single images.
public struct PolicyTerms: Equatable, Sendable {
    /// λ_b.
    public var balanceWeight: Double
    /// λ_e.
    public var entropyWeight: Double

    public init(balanceWeight: Double = 0, entropyWeight: Double = 0) {
        self.balanceWeight = balanceWeight
        self.entropyWeight = entropyWeight
    }

    /// - Parameters:
    ///   - meanPolicy: π̄ [m].
    ///   - meanEntropy: of the images' policies, in nats.
    func value(meanPolicy: [Double], meanEntropy: Double) -> Double {
        let divergence = log(Double(meanPolicy.count)) - Self.entropy(meanPolicy)
        return balanceWeight * divergence - entropyWeight * meanEntropy
    }

    /// The gradient of the logits [N × m] for some images of `globalCount`, given their policies [N × m].
    ///
    /// By π_ij it is (λ_b log π̄_j + λ_e log π_ij) / N, up to constants that the softmax cancels.
    func logitGradient(policy: [Float], meanPolicy: [Double], globalCount: Int) -> [Float] {
        let balance = meanPolicy.map { Float(balanceWeight * log(max($0, Self.least)) / Double(globalCount)) }
        let entropy = Float(entropyWeight / Double(globalCount))
        let gradient = policy.enumerated().map { index, probability in
            balance[index % balance.count] + entropy * log(max(probability, Float(Self.least)))
        }
        return Logits.softmaxPullback(probabilities: policy, gradient: gradient, columns: meanPolicy.count)
    }

    /// −Σ p log p, in nats.
    static func entropy(_ probabilities: [Double]) -> Double {
        probabilities.reduce(0) { $0 - $1 * log(max($1, least)) }
    }

    /// The smallest probability whose logarithm is used: underflowed probabilities have finite logarithms.
    private static let least = 1e-30
}
