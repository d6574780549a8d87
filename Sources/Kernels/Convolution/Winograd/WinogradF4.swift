/// F(4, 3): 36 products for 16 outputs in two dimensions, a quarter of the multiplications.
///
/// The products are values of polynomials at the points 0, ±a, ±b and ∞. Any a ≠ b is valid; Lavin and Gray use 1 and 2. The rounding error
/// depends on the size of the matrices' elements. With a = √½ and b = √2 it is half of the error with 1 and 2 (docs/performance.md).
enum WinogradF4: WinogradTransform {
    static let outputs = 4

    // a², b² and values derived from them. They are separate constants because the compiler turns the elements of a tuple into lazily
    // initialised variables.
    private static let aa: Float = 0.5
    private static let bb: Float = 2
    private static let a: Float = 0.707_106_77
    private static let b: Float = 1.414_213_5
    // 1 / Π_{q ≠ p} (p − q) over the finite points q, for p = ±a and ±b; for p = 0 it is 1 / (a²b²) = 1.
    private static let scaleA: Float = -2 / 3
    private static let scaleB: Float = 1 / 6

    @inline(__always)
    static func input(_ d: Elements, _ give: Results) {
        let (d0, d1, d2, d3, d4, d5) = (d(0), d(1), d(2), d(3), d(4), d(5))
        let evenA = d4 - bb * d2, oddA = a * (d3 - bb * d1)
        let evenB = d4 - aa * d2, oddB = b * (d3 - aa * d1)
        give(0, aa * bb * d0 - (aa + bb) * d2 + d4)
        give(1, evenA + oddA)
        give(2, evenA - oddA)
        give(3, evenB + oddB)
        give(4, evenB - oddB)
        give(5, aa * bb * d1 - (aa + bb) * d3 + d5)
    }

    @inline(__always)
    static func inputAdjoint(_ v: Elements, _ give: Results) {
        let (v0, v1, v2, v3, v4, v5) = (v(0), v(1), v(2), v(3), v(4), v(5))
        let sumA = v1 + v2, differenceA = a * (v1 - v2)
        let sumB = v3 + v4, differenceB = b * (v3 - v4)
        give(0, aa * bb * v0)
        give(1, aa * bb * v5 - bb * differenceA - aa * differenceB)
        give(2, -(aa + bb) * v0 - bb * sumA - aa * sumB)
        give(3, differenceA + differenceB - (aa + bb) * v5)
        give(4, v0 + sumA + sumB)
        give(5, v5)
    }

    @inline(__always)
    static func output(_ p: Elements, _ give: Results) {
        let (p0, p1, p2, p3, p4, p5) = (p(0), p(1), p(2), p(3), p(4), p(5))
        let sumA = p1 + p2, differenceA = a * (p1 - p2)
        let sumB = p3 + p4, differenceB = b * (p3 - p4)
        give(0, p0 + sumA + sumB)
        give(1, differenceA + differenceB)
        give(2, aa * sumA + bb * sumB)
        give(3, aa * differenceA + bb * differenceB + p5)
    }

    @inline(__always)
    static func outputAdjoint(_ y: Elements, _ give: Results) {
        let (y0, y1, y2, y3) = (y(0), y(1), y(2), y(3))
        let evenA = y0 + aa * y2, oddA = a * (y1 + aa * y3)
        let evenB = y0 + bb * y2, oddB = b * (y1 + bb * y3)
        give(0, y0)
        give(1, evenA + oddA)
        give(2, evenA - oddA)
        give(3, evenB + oddB)
        give(4, evenB - oddB)
        give(5, y3)
    }

    @inline(__always)
    static func weights(_ w: Elements, _ give: Results) {
        let (w0, w1, w2) = (w(0), w(1), w(2))
        let evenA = scaleA * (w0 + aa * w2), oddA = scaleA * a * w1
        let evenB = scaleB * (w0 + bb * w2), oddB = scaleB * b * w1
        give(0, w0)
        give(1, evenA + oddA)
        give(2, evenA - oddA)
        give(3, evenB + oddB)
        give(4, evenB - oddB)
        give(5, w2)
    }

    @inline(__always)
    static func weightsAdjoint(_ u: Elements, _ give: Results) {
        let (u0, u1, u2, u3, u4, u5) = (u(0), u(1), u(2), u(3), u(4), u(5))
        let sumA = scaleA * (u1 + u2), differenceA = scaleA * a * (u1 - u2)
        let sumB = scaleB * (u3 + u4), differenceB = scaleB * b * (u3 - u4)
        give(0, u0 + sumA + sumB)
        give(1, differenceA + differenceB)
        give(2, aa * sumA + bb * sumB + u5)
    }
}
