/// How weights [3, 3, rows, columns] lie in Winograd's form: one group of positions, those of one column of a tile, after another. A group
/// has panels of columns, as the matrix products read them. A panel has a matrix [rows × panel width] for every position of the group.
///
/// All positions of a group come from the same nine taps. A group of 64 columns of 512 × 512 channels fits the second-level cache.
public struct WinogradWeightLayout: Hashable, Sendable {
    let rows: Int
    let columns: Int
    /// Positions of a group.
    let positions: Int
    let panelWidth: Int

    /// Floats from one position's matrix to the next: a row more than it needs, so that the same element of all positions does not compete
    /// for one set of the caches.
    var positionStride: Int { (rows &+ 1) &* panelWidth }
    var panelStride: Int { positions &* positionStride }
    /// Floats of a group.
    var count: Int { (columns + panelWidth - 1) / panelWidth * panelStride }

    /// The same for some of the columns.
    func with(columns: Int) -> WinogradWeightLayout {
        WinogradWeightLayout(rows: rows, columns: columns, positions: positions, panelWidth: panelWidth)
    }

    /// The offset of a column's first element in a group.
    func offset(column: Int) -> Int {
        let (panel, inside) = column.quotientAndRemainder(dividingBy: panelWidth)
        return panel * panelStride + inside
    }

    /// The matrix of one of a group's positions.
    func matrix(_ position: Int, of group: UnsafePointer<Float>) -> PackedOperand {
        PackedOperand(
            group + position * positionStride,
            PackedLayout(depth: rows, columns: columns, panelWidth: panelWidth, panelStride: panelStride))
    }
}
