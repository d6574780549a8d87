/// F(2, 3), at the points 0, ±1 and ∞: 16 products for 4 outputs in two dimensions.
///
/// It needs more multiplications than F(4, 3) if the latter's tiles fit the image. Its transformed weights are only 16 / 36 as large. With
/// few or small images, the weights take most of the time.
enum WinogradF2: WinogradTransform {
    static let outputs = 2

    @inline(__always)
    static func input(_ d: Elements, _ give: Results) {
        let (d0, d1, d2, d3) = (d(0), d(1), d(2), d(3))
        give(0, d0 - d2)
        give(1, d2 + d1)
        give(2, d2 - d1)
        give(3, d3 - d1)
    }

    @inline(__always)
    static func inputAdjoint(_ v: Elements, _ give: Results) {
        let (v0, v1, v2, v3) = (v(0), v(1), v(2), v(3))
        give(0, v0)
        give(1, v1 - v2 - v3)
        give(2, v1 + v2 - v0)
        give(3, v3)
    }

    @inline(__always)
    static func output(_ p: Elements, _ give: Results) {
        let (p0, p1, p2, p3) = (p(0), p(1), p(2), p(3))
        give(0, p0 + p1 + p2)
        give(1, p1 - p2 + p3)
    }

    @inline(__always)
    static func outputAdjoint(_ y: Elements, _ give: Results) {
        let (y0, y1) = (y(0), y(1))
        give(0, y0)
        give(1, y0 + y1)
        give(2, y0 - y1)
        give(3, y1)
    }

    @inline(__always)
    static func weights(_ w: Elements, _ give: Results) {
        let (w0, w1, w2) = (w(0), w(1), w(2))
        let even = 0.5 * (w0 + w2), odd = 0.5 * w1
        give(0, w0)
        give(1, even + odd)
        give(2, even - odd)
        give(3, w2)
    }

    @inline(__always)
    static func weightsAdjoint(_ u: Elements, _ give: Results) {
        let (u0, u1, u2, u3) = (u(0), u(1), u(2), u(3))
        let sum = 0.5 * (u1 + u2)
        give(0, u0 + sum)
        give(1, 0.5 * (u1 - u2))
        give(2, sum + u3)
    }
}
