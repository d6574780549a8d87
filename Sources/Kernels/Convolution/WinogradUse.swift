/// Which 3×3 convolutions of stride 1 use Winograd's transforms.
public enum WinogradUse: Sendable {
    case never
    /// Where the model of the cost says that it is faster, with the tile that it says.
    case wherePays
    /// Wherever it can be used, for tests and measurements.
    case always(WinogradTile)
}

/// Outputs of a Winograd tile.
public enum WinogradTile: Sendable {
    /// F(2×2, 3×3).
    case twoByTwo
    /// F(4×4, 3×3).
    case fourByFour
}
