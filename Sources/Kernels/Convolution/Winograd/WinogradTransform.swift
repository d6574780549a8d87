/// Floats in memory, read as vectors of eight channels. Any alignment is valid.
struct ChannelVectors {
    let floats: UnsafePointer<Float>

    @inline(__always)
    init(_ floats: UnsafePointer<Float>) { self.floats = floats }

    @inline(__always)
    subscript(_ index: Int) -> Channels8 { Channels8(at: floats + 8 &* index) }

    /// Returns the vectors from index `offset` on.
    @inline(__always)
    static func + (vectors: ChannelVectors, offset: Int) -> ChannelVectors { ChannelVectors(vectors.floats + 8 &* offset) }
}

/// Floats in memory, read and written as vectors of eight channels. Any alignment is valid.
struct MutableChannelVectors {
    let floats: UnsafeMutablePointer<Float>

    @inline(__always)
    init(_ floats: UnsafeMutablePointer<Float>) { self.floats = floats }

    @inline(__always)
    subscript(_ index: Int) -> Channels8 {
        get { Channels8(at: floats + 8 &* index) }
        nonmutating set { newValue.store(to: floats + 8 &* index) }
    }

    @inline(__always)
    static func + (vectors: MutableChannelVectors, offset: Int) -> MutableChannelVectors {
        MutableChannelVectors(vectors.floats + 8 &* offset)
    }
}

/// The one-dimensional transforms of Winograd's F(m, 3) (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016).
/// They compute m outputs of a filter of three taps from m + 2 products: y = Aᵀ [(G w) ⊙ (Bᵀ d)].
///
/// A transform accesses its elements and results by index through closures, so each use has its own memory layout.
protocol WinogradTransform: WinogradAlgorithm {
    typealias Elements = (_ number: Int) -> Channels8
    typealias Results = (_ number: Int, _ value: Channels8) -> Void

    /// Bᵀ d, from m + 2 inputs.
    static func input(_ d: Elements, _ give: Results)
    /// B v: the adjoint of `input`.
    static func inputAdjoint(_ v: Elements, _ give: Results)
    /// Aᵀ p, from m + 2 products.
    static func output(_ p: Elements, _ give: Results)
    /// A y: the adjoint of `output`.
    static func outputAdjoint(_ y: Elements, _ give: Results)
    /// G w, from three taps.
    static func weights(_ w: Elements, _ give: Results)
    /// Gᵀ u: the adjoint of `weights`.
    static func weightsAdjoint(_ u: Elements, _ give: Results)
}
