/// Winograd's F(m×m, 3×3) in two dimensions, as the convolution uses it. The one-dimensional transforms (`WinogradTransform`) implement all
/// requirements. A separate protocol lets the compiler specialise each algorithm while the surrounding convolution is shared.
protocol WinogradAlgorithm {
    typealias Vectors = MutableChannelVectors

    /// m: the number of outputs of a tile in one dimension.
    static var outputs: Int { get }

    /// transformed ← Bᵀ d B of the rows [m + 2, inputColumns] at `rows`.
    static func transformInput(_ rows: Vectors, _ tiles: WinogradTiles, into transformed: Vectors)
    /// rows [m + 2, inputColumns] += B v Bᵀ: the adjoint of `transformInput`.
    static func addInputAdjoint(_ transformed: ChannelVectors, _ tiles: WinogradTiles, to rows: Vectors)
    /// rows [m, outputColumns] ← Aᵀ p A.
    static func transformOutput(_ products: ChannelVectors, _ tiles: WinogradTiles, into rows: Vectors)
    /// transformed ← A y Aᵀ of the rows [m, outputColumns] of an output's gradient.
    static func transformOutputGradient(_ rows: Vectors, _ tiles: WinogradTiles, into transformed: Vectors)

    /// transformed ← (G w Gᵀ)[·, group] for each element of nine matrices [rows × columns]. `tapStride` and `rowStride` are the distances
    /// between matrices and between rows, in floats.
    static func transformWeights(
        _ weights: UnsafePointer<Float>, rowStride: Int, tapStride: Int, columns: Int, group: Int, _ layout: WinogradWeightLayout,
        into transformed: UnsafeMutablePointer<Float>)
    /// gradient += the contribution of u[·, group] to Gᵀ u G, for each of `count` elements. `positionStride` is the distance between the
    /// matrices of u; `tapStride` is the distance between the nine results.
    static func addWeightsAdjoint(
        _ transformed: UnsafePointer<Float>, count: Int, positionStride: Int, group: Int, to gradient: UnsafeMutablePointer<Float>,
        tapStride: Int)
}

extension WinogradAlgorithm {
    /// m + 2: the number of inputs of a tile in one dimension, and the number of positions of a group (`WinogradWeightLayout`).
    static var inputs: Int { outputs + 2 }
    /// Products per tile in two dimensions.
    static var positions: Int { inputs * inputs }
}
