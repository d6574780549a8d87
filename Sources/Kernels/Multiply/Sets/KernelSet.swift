/// The micro-kernel of an instruction set and the constants that are fitted to it. `TileMultiplier` and the kernels around it take all such
/// constants from here.
///
/// A set for AMX or SVE adds a case to `InstructionSet`, a file in `CMicroKernels` and a value here. Sets are added only if their kernels
/// were run.
struct KernelSet: Sendable {
    let instructions: InstructionSet
    /// What a word of an operand is.
    let element: PanelElement
    /// The columns of the widest tile of a result. A panel of the right operand has as many.
    let tileColumns: Int
    /// The maximum number of cache lines of a panel of B in a prefetch request.
    let prefetchedLines: Int

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

    /// Whether the tile is `AVX512Tile` rather than `MicroTile`.
    let usesAVX512Tile: Bool

    /// The rows of the highest tile with so many columns.
    func tileRows(columns: Int) -> Int { usesAVX512Tile ? AVX512Tile.rows(columns: columns) : MicroTile.rows }

    /// - Parameters:
    ///   - instructions: of the tile.
    ///   - precision: of the operands. bfloat16 numbers are multiplied in pairs where that is faster than as floats.
    init(_ instructions: InstructionSet, _ precision: Precision = .float32) {
        let isWide = instructions == .avx512
        switch precision {
        case .float32: self = isWide ? .avx512 : .swift
        case .bfloat16: self = instructions.multipliesBFloat16 ? .avx512Pairs : isWide ? .avx512Rounded : .swiftRounded
        }
    }

    /// 6 × 16: twelve registers of eight floats.
    private static let swift = KernelSet(.compiled, element: .float32)
    private static let swiftRounded = KernelSet(.compiled, element: .roundedFloat32)
    /// 6 × 64 or 14 × 32: 24 or 28 registers of 16 floats. The sizes of tasks and the cost model are those of AVX2. With others, sums would
    /// be split elsewhere and convolutions would use other algorithms, so ranks with different processors would compute other bits.
    /// `taskColumns` and the others are multiples of the wider panel.
    private static let avx512 = KernelSet(.avx512, element: .float32)
    private static let avx512Rounded = KernelSet(.avx512, element: .roundedFloat32)
    static let avx512Pairs = KernelSet(.avx512, element: .bfloat16Pair)

    private init(_ instructions: InstructionSet, element: PanelElement) {
        (self.instructions, self.element) = (instructions, element)
        usesAVX512Tile = instructions == .avx512
        (tileColumns, prefetchedLines) = usesAVX512Tile ? (AVX512Tile.columns, 16) : (MicroTile.columns, 3)
        (depthBlock, rowBlock) = (512, 192)
        (farLeft, farRight) = (256, 64)
        (columnsThatRepayLeft, rowsThatRepayRight) = (128, 48)
        blocking = Blocking(
            columnUnit: tileColumns, taskColumns: 128, narrowTaskColumns: 64, weightGradientRows: 96, weightGradientRowsOfManyColumns: 192,
            weightGradientManyColumns: 512, weightGradientColumns: 256, patchSlices: 12, patchSliceColumns: 96, winogradPartChannels: 64)
        convolutionCost = ConvolutionCostModel(preparedWeight: 16, weight: 40)
    }
}
