/// Eight channels of one pixel. Plain loops over floats vectorise well as long as they have few streams; a Winograd transform has up to
/// 72 of them, so that it is written with vectors.
typealias Channels8 = SIMD8<Float>

/// The one-dimensional transforms of Winograd's F(4, 3) (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016):
/// four outputs of a filter of three taps from six products, y = Aᵀ [(G w) ⊙ (Bᵀ d)]. Two dimensions apply each twice.
///
/// The products are values of polynomials at the points 0, ±a, ±b and ∞. Any a ≠ b serve; Lavin and Gray take 1 and 2. The rounding error
/// follows from the size of the matrices' elements, and is half of theirs at a = √½, b = √2 (docs/performance.md).
enum WinogradTransform {
    typealias Three = (Channels8, Channels8, Channels8)
    typealias Four = (Channels8, Channels8, Channels8, Channels8)
    typealias Six = (Channels8, Channels8, Channels8, Channels8, Channels8, Channels8)

    /// Products of a tile in two dimensions.
    static let positions = 36

    // a² and b², and what follows from them.
    private static let (aa, bb): (Float, Float) = (0.5, 2)
    private static let (a, b): (Float, Float) = (0.707_106_77, 1.414_213_5)
    /// 1 / Π_{q ≠ p} (p − q) over the finite points q, for p = ±a and ±b; for p = 0 it is 1 / (a²b²) = 1.
    private static let (scaleA, scaleB): (Float, Float) = (-2 / 3, 1 / 6)

    /// Bᵀ d: six inputs.
    @inline(__always)
    static func input(_ d: Six) -> Six {
        let evenA = d.4 - bb * d.2, oddA = a * (d.3 - bb * d.1)
        let evenB = d.4 - aa * d.2, oddB = b * (d.3 - aa * d.1)
        return (
            aa * bb * d.0 - (aa + bb) * d.2 + d.4, evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB,
            aa * bb * d.1 - (aa + bb) * d.3 + d.5
        )
    }

    /// B v: the adjoint of `input`.
    @inline(__always)
    static func inputAdjoint(_ v: Six) -> Six {
        let sumA = v.1 + v.2, differenceA = a * (v.1 - v.2)
        let sumB = v.3 + v.4, differenceB = b * (v.3 - v.4)
        return (
            aa * bb * v.0, aa * bb * v.5 - bb * differenceA - aa * differenceB,
            -(aa + bb) * v.0 - bb * sumA - aa * sumB, differenceA + differenceB - (aa + bb) * v.5,
            v.0 + sumA + sumB, v.5
        )
    }

    /// Aᵀ m: four outputs.
    @inline(__always)
    static func output(_ m: Six) -> Four {
        let sumA = m.1 + m.2, differenceA = a * (m.1 - m.2)
        let sumB = m.3 + m.4, differenceB = b * (m.3 - m.4)
        return (
            m.0 + sumA + sumB, differenceA + differenceB, aa * sumA + bb * sumB, aa * differenceA + bb * differenceB + m.5
        )
    }

    /// A y: the adjoint of `output`.
    @inline(__always)
    static func outputAdjoint(_ y: Four) -> Six {
        let evenA = y.0 + aa * y.2, oddA = a * (y.1 + aa * y.3)
        let evenB = y.0 + bb * y.2, oddB = b * (y.1 + bb * y.3)
        return (y.0, evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, y.3)
    }

    /// G w: three taps.
    @inline(__always)
    static func weights(_ w: Three) -> Six {
        let evenA = scaleA * (w.0 + aa * w.2), oddA = scaleA * a * w.1
        let evenB = scaleB * (w.0 + bb * w.2), oddB = scaleB * b * w.1
        return (w.0, evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, w.2)
    }

    /// Gᵀ u: the adjoint of `weights`.
    @inline(__always)
    static func weightsAdjoint(_ u: Six) -> Three {
        let sumA = scaleA * (u.1 + u.2), differenceA = scaleA * a * (u.1 - u.2)
        let sumB = scaleB * (u.3 + u.4), differenceB = scaleB * b * (u.3 - u.4)
        return (u.0 + sumA + sumB, differenceA + differenceB, aa * sumA + bb * sumB + u.5)
    }
}
