/// Eight channels of one pixel. Plain loops over floats vectorise well as long as they have few streams; a Winograd transform has up to
/// 72 of them, so that it is written with vectors.
typealias Channels8 = SIMD8<Float>

/// The one-dimensional transforms of Winograd's F(m, 3) (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016):
/// m outputs of a filter of three taps from m + 2 products, y = Aᵀ [(G w) ⊙ (Bᵀ d)].
///
/// A transform asks for its elements and gives its results by their numbers, so that each use has its own way through memory.
protocol WinogradTransform: WinogradAlgorithm {
    typealias Elements = (_ number: Int) -> Channels8
    typealias Results = (_ number: Int, _ value: Channels8) -> Void

    /// Bᵀ d: m + 2 inputs.
    static func input(_ d: Elements, _ give: Results)
    /// B v: the adjoint of `input`.
    static func inputAdjoint(_ v: Elements, _ give: Results)
    /// Aᵀ p: m + 2 products.
    static func output(_ p: Elements, _ give: Results)
    /// A y: the adjoint of `output`.
    static func outputAdjoint(_ y: Elements, _ give: Results)
    /// G w: three taps.
    static func weights(_ w: Elements, _ give: Results)
    /// Gᵀ u: the adjoint of `weights`.
    static func weightsAdjoint(_ u: Elements, _ give: Results)
}
