/// Selects the 3×3 convolutions of stride 1 that use Winograd's transforms.
public enum WinogradUse: Sendable {
    case never
    /// Where the cost model predicts a gain, with the tile that it selects.
    case wherePays
    /// For every supported shape. For tests and measurements.
    case always(WinogradTile)
}

/// The output size of a Winograd tile.
public enum WinogradTile: Sendable {
    /// F(2×2, 3×3).
    case twoByTwo
    /// F(4×4, 3×3).
    case fourByFour
}
