/// Estimates the cost of a 3×3 convolution of stride 1, in multiply-adds per pair of an input and an output channel.
/// `drnet-benchmark kernels --convolutions` measures the convolutions that this model predicts (docs/performance.md).
struct ConvolutionCost {
    private let shape: ConvolutionShape
    /// The cost of each weight in addition to its multiplications, in multiply-adds.
    private let weight: Int

    /// - Parameter keepsWeights: whether the weights were prepared in advance.
    init(_ shape: ConvolutionShape, _ model: ConvolutionCostModel, keepsWeights: Bool) {
        self.shape = shape
        weight = keepsWeights ? model.preparedWeight : model.weight
    }

    /// The Winograd tile if it is cheaper than im2col and than the other tile; nil if im2col is cheapest.
    var cheapestTile: WinogradTile? {
        let (two, four) = (winograd(WinogradF2.self), winograd(WinogradF4.self))
        if min(two, four) >= patches { return nil }
        return two < four ? .twoByTwo : .fourByFour
    }

    /// Nine multiply-adds per output pixel.
    private var patches: Int { 9 * (shape.outputPixels + weight) }

    /// One multiply-add per position of a tile. Tiles can extend over the edge of the image, so the number of tiles counts, not the number
    /// of pixels.
    private func winograd(_ algorithm: any WinogradAlgorithm.Type) -> Int {
        algorithm.positions * (shape.batch * WinogradTileRows.tilesPerImage(shape, algorithm) + weight)
    }
}
