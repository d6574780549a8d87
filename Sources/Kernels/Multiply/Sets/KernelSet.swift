/// The micro-kernel of an instruction set and the constants that are fitted to it. `TileMultiplier` and the kernels around it take all such
/// constants from here.
///
/// A set with another element type (bfloat16) differs in `element`, whose panels hold pairs along the depth, and in its tile. A set for AMX
/// or SVE adds a case to `InstructionSet`, a file in `CMicroKernels` and a value here. Sets are added only if their kernels were run.
struct KernelSet: Sendable {
    let instructions: InstructionSet
    /// The type of the elements of panels.
    let element: PackedLayout.Element
    /// The largest tile of a result: its rows, and its columns. A panel of the right operand has as many columns as the tile.
    let tileRows: Int
    let tileColumns: Int
    /// Rows per prefetch request of rows of A, and of a panel of B.
    let prefetchedLeftRows: Int
    let prefetchedPanelRows: Int

    /// The maximum number of depth steps and of rows of A that are processed at a time. A panel of 16 columns of B (32 KiB) then stays in
    /// the first-level cache, a wider one in the second-level cache, and the part of A (384 KiB) stays in the second-level cache.
    ///
    /// The depth determines where sums are split. Sets with the same depth compute the same bits.
    let depthBlock: Int
    let rowBlock: Int
    /// The row distances, in floats, from which an operand is copied if enough is multiplied with it. Rows with such distances fall on few
    /// sets of the first-level cache.
    let farLeft: Int
    let farRight: Int
    /// The minimum number of columns, or rows, for which copying an operand pays off.
    let columnsThatRepayLeft: Int
    let rowsThatRepayRight: Int

    let blocking: Blocking
    let convolutionCost: ConvolutionCostModel

    /// The unit of columns. The remainder is computed without vectors. This is rare: channel counts of networks are multiples of eight.
    /// Winograd's transforms have the same unit.
    static let columnUnit = Channels8.scalarCount

    init(_ instructions: InstructionSet) {
        self = instructions == .avx512 ? .avx512 : .swift
    }

    /// 6 × 16: twelve registers of eight floats.
    private static let swift = KernelSet(
        .compiled, tileRows: MicroTile.rows, tileColumns: MicroTile.columns, prefetchedLeftRows: 3, prefetchedPanelRows: 3)

    /// 14 × 32: 28 registers of 16 floats. The sizes of tasks and the costs are those of AVX2: no processor with AVX-512 was available for
    /// measurements. `taskColumns` and the others are multiples of the wider panel.
    private static let avx512 = KernelSet(
        .avx512, tileRows: AVX512Tile.rows, tileColumns: AVX512Tile.columns, prefetchedLeftRows: AVX512Tile.rows / 2,
        prefetchedPanelRows: 4)

    private init(_ instructions: InstructionSet, tileRows: Int, tileColumns: Int, prefetchedLeftRows: Int, prefetchedPanelRows: Int) {
        self.instructions = instructions
        element = .float32
        (self.tileRows, self.tileColumns) = (tileRows, tileColumns)
        (self.prefetchedLeftRows, self.prefetchedPanelRows) = (prefetchedLeftRows, prefetchedPanelRows)
        (depthBlock, rowBlock) = (512, 192)
        (farLeft, farRight) = (256, 64)
        (columnsThatRepayLeft, rowsThatRepayRight) = (128, 48)
        blocking = Blocking(
            columnUnit: tileColumns, taskColumns: 128, narrowTaskColumns: 64, weightGradientRows: 96, weightGradientRowsOfManyColumns: 192,
            weightGradientManyColumns: 512, weightGradientColumns: 256, patchSlices: 12, patchSliceColumns: 96, winogradPartChannels: 64)
        convolutionCost = ConvolutionCostModel(preparedWeight: 16, weight: 40)
    }
}
