import Randomness

/// The random numbers of a policy for some images. They are a pure function of (seed, epoch, image): they do not depend on the number of
/// ranks and can be recomputed.
public struct PolicyNoise {
    /// Standard Gumbel noise [N × m].
    public var gumbel: [Float]
    /// For each image a uniform number of 0 ..< m − 1. It selects the probed resolution from those that were not chosen.
    public var probes: [Int]

    public init(gumbel: [Float], probes: [Int]) {
        self.gumbel = gumbel
        self.probes = probes
    }

    public init(seed: UInt64, epoch: Int, sampleIndices: [Int], columns: Int) {
        gumbel = GumbelSoftmax.noise(seed: seed, epoch: epoch, sampleIndices: sampleIndices, columns: columns)
        probes = sampleIndices.map { index in
            var random = CounterRandom(seed: seed, purpose: .probing, step: epoch, sample: index)
            // With one candidate there is no other; the draw means nothing then.
            return random.integer(below: max(columns - 1, 1))
        }
    }
}
