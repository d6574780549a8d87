#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension CounterRandom {
    /// Returns a standard normal number (Box and Muller).
    public mutating func normal() -> Float {
        let radius = (-2 * logf(uniform())).squareRoot()
        return radius * cosf(2 * .pi * uniform())
    }

    /// Returns a standard Gumbel number, −log(−log u).
    public mutating func gumbel() -> Float {
        -logf(-logf(uniform()))
    }

    /// Returns a number of the symmetric beta distribution with both parameters α > 0, in 0 … 1: X / (X + Y) for two gamma variates.
    ///
    /// It is computed with logarithms: with a small α, the gamma variates themselves underflow.
    public mutating func beta(_ alpha: Double) -> Double {
        let (x, y) = (logGamma(alpha), logGamma(alpha))
        return 1 / (1 + exp(y - x))
    }

    /// Returns the logarithm of a gamma variate with shape α > 0 and scale 1 (Marsaglia and Tsang, "A simple method for generating gamma
    /// variables", 2000). Draws until a proposal is accepted.
    private mutating func logGamma(_ alpha: Double) -> Double {
        // Γ(α) = Γ(α + 1) · u^(1 / α) in distribution.
        let boost = alpha < 1 ? log(Double(uniform())) / alpha : 0
        let d = (alpha < 1 ? alpha + 1 : alpha) - 1 / 3.0
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = Double(normal())
            let root = 1 + c * x
            guard root > 0 else { continue }
            let v = root * root * root
            if log(Double(uniform())) < x * x / 2 + d - d * v + d * log(v) { return log(d * v) + boost }
        }
    }

    /// Returns a random permutation of 0 ..< count (Fisher and Yates).
    public mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        guard count > 1 else { return order }
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, integer(below: last + 1))
        }
        return order
    }
}
