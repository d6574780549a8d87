/// The choice of a kernel by shape.
public enum ConvolutionKernels {
    /// - Parameter keepsWeights: whether the weights are prepared once for many batches.
    public static func kernel(
        for shape: ConvolutionShape, isDepthwise: Bool, keepsWeights: Bool, _ context: KernelContext
    ) -> ConvolutionKernel {
        if isDepthwise { return DepthwiseConvolution(shape, context) }
        if shape.isPointwise { return PointwiseConvolution(shape, context) }
        switch winogradTile(shape, keepsWeights: keepsWeights, context.winograd) {
        case .twoByTwo: return WinogradConvolution(shape, WinogradF2.self, context)
        case .fourByFour: return WinogradConvolution(shape, WinogradF4.self, context)
        case nil: return PatchConvolution(shape, context)
        }
    }

    private static func winogradTile(_ shape: ConvolutionShape, keepsWeights: Bool, _ use: WinogradUse) -> WinogradTile? {
        guard shape.allowsWinograd else { return nil }
        switch use {
        case .never: return nil
        case .wherePays: return ConvolutionCost(shape: shape, keepsWeights: keepsWeights).cheapestTile
        case .always(let tile): return tile
        }
    }
}
