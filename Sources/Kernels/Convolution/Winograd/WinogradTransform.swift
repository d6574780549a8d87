/// Eight channels of one pixel. Plain loops over floats vectorise well as long as they have few streams; a Winograd transform has up to
/// 72 of them, so that it is written with vectors.
typealias Channels8 = SIMD8<Float>

extension Channels8 {
    /// The eight floats at `address`, which can have any alignment.
    @inline(__always)
    init(at address: UnsafePointer<Float>) { self = UnsafeRawPointer(address).loadUnaligned(as: Channels8.self) }

    @inline(__always)
    func store(to address: UnsafeMutablePointer<Float>) { UnsafeMutableRawPointer(address).storeBytes(of: self, as: Channels8.self) }
}

/// Floats in memory, read as vectors of eight channels. Their address can have any alignment.
struct ChannelVectors {
    let floats: UnsafePointer<Float>

    @inline(__always)
    init(_ floats: UnsafePointer<Float>) { self.floats = floats }

    @inline(__always)
    subscript(_ index: Int) -> Channels8 { Channels8(at: floats + 8 &* index) }

    /// The vectors from number `offset` on.
    @inline(__always)
    static func + (vectors: ChannelVectors, offset: Int) -> ChannelVectors { ChannelVectors(vectors.floats + 8 &* offset) }
}

/// The same, read and written.
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

/// The one-dimensional transforms of Winograd's F(m, 3) (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016):
/// m outputs of a filter of three taps from m + 2 products, y = Aᵀ [(G w) ⊙ (Bᵀ d)].
///
/// A transform reads its elements and writes its results by number, through closures, so that each use has its own memory layout.
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
