/// The memory layout of transformed weights [3, 3, rows, columns]. It consists of groups; each holds the positions of one column of a tile.
/// A group consists of panels of columns, as the matrix products read them. A panel holds one matrix [rows × panel width] per position of
/// the group.
///
/// All positions of a group are computed from the same nine taps. A group of 64 columns of 512 × 512 channels fits the second-level cache.
public struct WinogradWeightLayout: Hashable, Sendable {
    let rows: Int
    let columns: Int
    /// Positions per group.
    let positions: Int
    let panelWidth: Int

    /// Floats from one position's matrix to the next: one row more than the matrix needs. The padding prevents elements with the same index
    /// from competing for one cache set.
    var positionStride: Int { (rows &+ 1) &* panelWidth }
    var panelStride: Int { positions &* positionStride }
    /// Floats per group.
    var count: Int { (columns + panelWidth - 1) / panelWidth * panelStride }

    /// Returns the layout of a part with `columns` columns.
    func with(columns: Int) -> WinogradWeightLayout {
        WinogradWeightLayout(rows: rows, columns: columns, positions: positions, panelWidth: panelWidth)
    }

    /// Returns the offset of a column's first element in a group.
    func offset(column: Int) -> Int {
        let (panel, inside) = column.quotientAndRemainder(dividingBy: panelWidth)
        return panel * panelStride + inside
    }

    /// Returns the matrix of one of a group's positions.
    func matrix(_ position: Int, of group: UnsafePointer<Float>) -> PackedOperand {
        PackedOperand(
            group + position * positionStride,
            PackedLayout(depth: rows, columns: columns, panelWidth: panelWidth, panelStride: panelStride))
    }
}
