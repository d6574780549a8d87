/// A model of what a 3×3 convolution of stride 1 costs, in multiply-adds for each pair of an input and an output channel, of which the tiles
/// of products do some 50 G a second and core. `drnet-benchmark kernels --convolutions` measures what it predicts (docs/performance.md).
struct ConvolutionCost {
    var shape: ConvolutionShape
    /// Whether the weights lie in memory as they are read, or are put into that order first.
    var keepsWeights: Bool

    /// What each float of the weights costs beside its multiplications: kept, 4 bytes are read from memory; else they are transformed or copied,
    /// written and read in each direction, and their gradient is brought back.
    private var weight: Int { keepsWeights ? 16 : 40 }

    /// The tile that is cheaper than patches and the other tile; nil where patches are.
    var cheapestTile: WinogradTile? {
        let (two, four) = (winograd(WinogradF2.self), winograd(WinogradF4.self))
        if min(two, four) >= patches { return nil }
        return two < four ? .twoByTwo : .fourByFour
    }

    /// Nine for an output pixel.
    private var patches: Int { 9 * (shape.outputPixels + weight) }

    /// One for each position of a tile. Tiles may reach over the edge: what counts is how many there are.
    private func winograd(_ algorithm: any WinogradAlgorithm.Type) -> Int {
        algorithm.positions * (shape.batch * WinogradTileRows.tilesPerImage(shape, algorithm) + weight)
    }
}
