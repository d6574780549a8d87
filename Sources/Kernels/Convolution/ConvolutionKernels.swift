/// Selects a convolution kernel by shape.
public enum ConvolutionKernels {
    /// Returns the kernel for a convolution.
    ///
    /// - Parameters:
    ///   - shape: the sizes of the convolution, batch included.
    ///   - isDepthwise: whether each channel has a filter of its own.
    ///   - groups: the number of groups of channels that are convolved apart.
    ///   - keepsWeights: whether the weights are prepared once for many batches.
    ///   - context: what the kernel computes with.
    public static func kernel(
        for shape: ConvolutionShape, isDepthwise: Bool, groups: Int = 1, keepsWeights: Bool, _ context: KernelContext
    ) -> ConvolutionKernel {
        if isDepthwise { return DepthwiseConvolution(shape, context) }
        if groups > 1 { return GroupedConvolution(shape, groups: groups, keepsWeights: keepsWeights, context) }
        if shape.isPointwise { return PointwiseConvolution(shape, context) }
        switch winogradTile(shape, keepsWeights: keepsWeights, context) {
        case .twoByTwo: return WinogradConvolution(shape, WinogradF2.self, context)
        case .fourByFour: return WinogradConvolution(shape, WinogradF4.self, context)
        case nil: return PatchConvolution(shape, context)
        }
    }

    private static func winogradTile(_ shape: ConvolutionShape, keepsWeights: Bool, _ context: KernelContext) -> WinogradTile? {
        guard shape.allowsWinograd else { return nil }
        switch context.winograd {
        case .never: return nil
        case .wherePays: return ConvolutionCost(shape, context.products.convolutionCost, keepsWeights: keepsWeights).cheapestTile
        case .always(let tile): return tile
        }
    }
}
