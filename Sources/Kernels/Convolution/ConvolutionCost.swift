/// A model of what a 3×3 convolution of stride 1 costs, in multiply-adds for each pair of an input and an output channel.
/// `drnet-benchmark kernels --convolutions` measures what it predicts (docs/performance.md).
struct ConvolutionCost {
    private let shape: ConvolutionShape
    /// The cost of each float of the weights beside its multiplications.
    private let weight: Int

    /// - Parameter keepsWeights: whether the weights were prepared before.
    init(_ shape: ConvolutionShape, _ model: ConvolutionCostModel, keepsWeights: Bool) {
        self.shape = shape
        weight = keepsWeights ? model.preparedWeight : model.weight
    }

    /// The tile that is cheaper than patches and than the other tile; nil where patches are cheapest.
    var cheapestTile: WinogradTile? {
        let (two, four) = (winograd(WinogradF2.self), winograd(WinogradF4.self))
        if min(two, four) >= patches { return nil }
        return two < four ? .twoByTwo : .fourByFour
    }

    /// Nine multiply-adds for an output pixel.
    private var patches: Int { 9 * (shape.outputPixels + weight) }

    /// One multiply-add for each position of a tile. Tiles can reach over the edge of the image: their number counts, not that of the
    /// pixels.
    private func winograd(_ algorithm: any WinogradAlgorithm.Type) -> Int {
        algorithm.positions * (shape.batch * WinogradTileRows.tilesPerImage(shape, algorithm) + weight)
    }
}
