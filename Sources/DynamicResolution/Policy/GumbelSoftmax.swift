import Randomness

/// The Gumbel softmax (Jang et al., "Categorical reparameterization with Gumbel-softmax", ICLR 2017; Maddison et al., ICLR 2017).
/// Matrices are [N × m], row-major.
public enum GumbelSoftmax {
    /// Standard Gumbel noise for images, a pure function of (seed, epoch, image): it does not depend on the number of ranks.
    public static func noise(seed: UInt64, epoch: Int, sampleIndices: [Int], columns: Int) -> [Float] {
        sampleIndices.flatMap { index in
            var random = CounterRandom(seed: seed, purpose: .gumbelNoise, step: epoch, sample: index)
            return (0..<columns).map { _ in random.gumbel() }
        }
    }

    /// s = softmax((log softmax(z) + g) / τ). The log softmax shifts a row by a constant, which cancels in the softmax, so
    /// z takes its place.
    public static func probabilities(logits: [Float], noise: [Float], temperature: Float, columns: Int) -> [Float] {
        Logits.softmax(zip(logits, noise).map { ($0 + $1) / temperature }, columns: columns)
    }

    /// The gradient of the logits, given that of s: dz_k = s_k (ds_k − Σ_j s_j ds_j) / τ.
    public static func logitGradient(
        probabilities: [Float], gradient: [Float], temperature: Float, columns: Int
    ) -> [Float] {
        var result = Logits.softmaxPullback(probabilities: probabilities, gradient: gradient, columns: columns)
        for index in result.indices { result[index] /= temperature }
        return result
    }
}
