/// The choice of a kernel by shape.
public enum ConvolutionKernels {
    /// Which 3×3 convolutions of stride 1 use Winograd's transforms.
    public enum WinogradUse: Sendable {
        case never
        /// Where the model of the cost says that it is faster, with the tile that it says.
        case wherePays
        /// Wherever it can be used, for tests and measurements.
        case always(WinogradTile)
    }

    /// Outputs of a tile.
    public enum WinogradTile: Sendable {
        /// F(2×2, 3×3).
        case twoByTwo
        /// F(4×4, 3×3).
        case fourByFour
    }

    /// Set once at the start, before any kernel runs.
    nonisolated(unsafe) public private(set) static var winograd = WinogradUse.wherePays

    public static func configure(winograd: WinogradUse) {
        Self.winograd = winograd
    }

    /// Winograd's transforms where they pay, or nowhere.
    public static func configure(winograd isAllowed: Bool) {
        configure(winograd: isAllowed ? .wherePays : .never)
    }

    /// - Parameter keepsWeights: whether the weights are prepared once for many batches.
    public static func kernel(for shape: ConvolutionShape, isDepthwise: Bool, keepsWeights: Bool) -> ConvolutionKernel {
        if isDepthwise { return GeneralConvolution<DepthwiseConvolution>(shape) }
        if shape.isPointwise { return PointwiseConvolution(shape) }
        switch winogradTile(shape, keepsWeights: keepsWeights) {
        case .twoByTwo: return WinogradConvolution(shape, WinogradF2.self)
        case .fourByFour: return WinogradConvolution(shape, WinogradF4.self)
        case nil: return GeneralConvolution<PatchConvolution>(shape)
        }
    }

    private static func winogradTile(_ shape: ConvolutionShape, keepsWeights: Bool) -> WinogradTile? {
        guard shape.allowsWinograd else { return nil }
        switch winograd {
        case .never: return nil
        case .wherePays: return ConvolutionCost(shape: shape, keepsWeights: keepsWeights).cheapestTile
        case .always(let tile): return tile
        }
    }
}
