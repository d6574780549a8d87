/// Computes products with the register tiles of an instruction set (`KernelSet`): `MicroTile` or `AVX512Tile`.
///
/// The operands of convolutions were just written and are still in cache, so they are multiplied without packing. A library product packs
/// both operands first, which takes a tenth of its time on these shapes (docs/performance.md). This implementation copies only operands
/// whose rows would fall on few cache sets. The sum of an element follows the depth in one order, whatever the number of rows and columns.
/// The result of an image therefore does not depend on the rest of its batch.
public struct TileMultiplier: MatrixMultiplier {
    public let kind = ProductsKind.tiles
    /// The instruction set of the tiles.
    public var instructions: InstructionSet { kernelSet.instructions }
    public var blocking: Blocking { kernelSet.blocking }
    public var convolutionCost: ConvolutionCostModel { kernelSet.convolutionCost }
    let kernelSet: KernelSet

    /// - Parameters:
    ///   - instructions: a set that this processor has (`InstructionSet.available`).
    ///   - precision: of the operands. Sums have 32 bits.
    public init(_ instructions: InstructionSet = .compiled, precision: Precision = .float32) {
        precondition(
            InstructionSet.available.contains(instructions),
            "this processor has \(InstructionSet.available), and the tiles need \(instructions)")
        self.init(KernelSet(instructions, precision))
    }

    init(_ kernelSet: KernelSet) { self.kernelSet = kernelSet }

    public func packedLayout(depth: Int, columns: Int) -> PackedLayout {
        PackedLayout(kernelSet.element, depth: depth, columns: columns, panelWidth: kernelSet.tileColumns)
    }

    public func multiply(_ a: MatrixView, _ b: RightOperand, into c: ResultView, accumulates: Bool, _ buffers: BufferPool) {
        if kernelSet.element != .float32 { return multiplyRounded(a, b, into: c, accumulates: accumulates, buffers) }
        let right = TileOperand(b, kernelSet)
        let depth = a.columns
        let copiesLeft = a.isTransposed && a.leading >= kernelSet.farLeft && c.columns >= kernelSet.columnsThatRepayLeft
        // The rows of a panel follow each other in packed operands, and in plain ones that are as wide as a panel.
        let copiesRight =
            right.rowStride > kernelSet.tileColumns && right.rowStride >= kernelSet.farRight && c.rows >= kernelSet.rowsThatRepayRight
        let depthBlock = Self.part(depth, max: kernelSet.depthBlock, unit: Prefetch.interval)
        let rowBlock = Self.part(c.rows, max: kernelSet.rowBlock, unit: kernelSet.tileRows(columns: c.columns))
        let leftCount = copiesLeft ? rowBlock * depthBlock : 0
        let panelCount = copiesRight ? kernelSet.tileColumns * depthBlock : 0
        buffers.withScratch(leftCount + panelCount) { scratch in
            for firstStep in stride(from: 0, to: depth, by: depthBlock) {
                let steps = min(depthBlock, depth - firstStep)
                for firstRow in stride(from: 0, to: c.rows, by: rowBlock) {
                    var block = TileBlock(
                        set: kernelSet, rows: min(rowBlock, c.rows - firstRow), columns: c.columns, steps: steps,
                        a: a.from(row: firstRow, step: firstStep), b: right.from(row: firstStep),
                        isLastOfDepth: firstStep + steps == depth, accumulates: accumulates || firstStep > 0)
                    if copiesLeft { block.copyLeft(into: scratch) }
                    block.multiply(
                        into: c.values + firstRow * c.leading, leading: c.leading, panelScratch: copiesRight ? scratch + leftCount : nil)
                }
            }
        }
    }

    /// Uses OpenBLAS, in 32 bits with each precision. The micro-kernel cannot read a transposed right operand. A linear layer uses its
    /// weights once per batch, so packing them would take as long as the product. These products are 0.05 % of a ResNet-50's multiply-adds.
    public func multiplyPlain(_ a: MatrixView, _ b: MatrixView, into c: ResultView, accumulates: Bool) {
        OpenBLASMultiplier().multiplyPlain(a, b, into: c, accumulates: accumulates)
    }

    /// Divides `count` into equal parts of at most `max` and returns their size. All parts but the last are multiples of `unit`.
    static func part(_ count: Int, max: Int, unit: Int) -> Int {
        let parts = Swift.max(1, (count + max - 1) / max)
        return ((count + parts - 1) / parts + unit - 1) / unit * unit
    }
}
