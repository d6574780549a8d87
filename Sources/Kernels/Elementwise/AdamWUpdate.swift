/// The update of AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019), as in torch.optim.AdamW without
/// AMSGrad.
public enum AdamWUpdate {
    /// m ← m + (1 − β₁)(g − m);  v ← β₂ v + (1 − β₂) g²;
    /// w ← (1 − rate · weightDecay) w − rate / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε).
    ///
    /// - Parameters:
    ///   - values: w, `count` floats.
    ///   - gradients: g.
    ///   - means: m.
    ///   - squares: v.
    ///   - count: the number of elements.
    ///   - step: t, the number of this update; 1 for the first.
    ///   - rate: the learning rate.
    ///   - beta1: β₁.
    ///   - beta2: β₂.
    ///   - epsilon: ε.
    ///   - weightDecay: the decay, in units of the learning rate.
    ///   - context: the kernels' threads.
    public static func apply(
        values: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>, means: UnsafeMutablePointer<Float>,
        squares: UnsafeMutablePointer<Float>, count: Int, step: Double, rate: Double, beta1: Double, beta2: Double, epsilon: Double,
        weightDecay: Double, _ context: KernelContext
    ) {
        let stepSize = Float(rate / (1 - power(beta1, step)))
        let inverseCorrection = Float(1 / (1 - power(beta2, step)).squareRoot())
        let (meanWeight, squareKept, squareWeight) = (Float(1 - beta1), Float(beta2), Float(1 - beta2))
        let (kept, epsilon) = (Float(1 - rate * weightDecay), Float(epsilon))
        context.threads.forEachBlock(count, blockSize: 1 << 15) { range in
            for index in range {
                let gradient = gradients[index]
                let mean = means[index] + meanWeight * (gradient - means[index])
                let square = squareKept * squares[index] + squareWeight * gradient * gradient
                means[index] = mean
                squares[index] = square
                values[index] = kept * values[index] - stepSize * (mean / (square.squareRoot() * inverseCorrection + epsilon))
            }
        }
    }

    /// base to the power of a whole number. The C library's `pow` can differ between systems in the last bit; products do not.
    private static func power(_ base: Double, _ exponent: Double) -> Double {
        var (result, factor, remaining) = (1.0, base, UInt64(exponent))
        while remaining > 0 {
            if remaining & 1 == 1 { result *= factor }
            factor *= factor
            remaining >>= 1
        }
        return result
    }
}
