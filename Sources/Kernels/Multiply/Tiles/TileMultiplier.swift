/// Computes products with register tiles (`MicroTile`).
///
/// The operands of convolutions were just written and are still in cache, so they are multiplied without packing. A library product packs
/// both operands first, which takes a tenth of its time on these shapes (docs/performance.md). This implementation copies only operands
/// whose rows would fall on few cache sets. The sum of an element follows the depth in one order, whatever the number of rows and columns.
/// The result of an image therefore does not depend on the rest of its batch.
public struct TileMultiplier: MatrixMultiplier {
    public let kind = ProductsKind.tiles
    public let blocking = Blocking(
        columnUnit: MicroTile.columns, taskColumns: 128, narrowTaskColumns: 64, weightGradientRows: 96,
        weightGradientRowsOfManyColumns: 192, weightGradientManyColumns: 512, weightGradientColumns: 256, patchSlices: 12,
        patchSliceColumns: 96, winogradPartChannels: 64)
    public let convolutionCost = ConvolutionCostModel(preparedWeight: 16, weight: 40)

    public init() {}

    public func packedLayout(depth: Int, columns: Int) -> PackedLayout {
        PackedLayout(depth: depth, columns: columns, panelWidth: MicroTile.columns)
    }

    /// The maximum number of depth steps and of rows of A that are processed at a time. 16 columns of B (32 KiB) then stay in the
    /// first-level cache, and the part of A (384 KiB) stays in the second-level cache.
    private static let depthBlock = 512
    private static let rowBlock = 192
    /// The row distances, in floats, from which an operand is copied if enough is multiplied with it. Rows with such distances fall on few
    /// sets of the first-level cache.
    private static let farLeft = 256
    private static let farRight = 64
    /// The minimum number of columns, or rows, for which copying an operand pays off.
    private static let columnsThatRepayLeft = 128
    private static let rowsThatRepayRight = 48

    public func multiply(_ a: MatrixView, _ b: RightOperand, into c: ResultView, accumulates: Bool, _ buffers: BufferPool) {
        let right = TileOperand(b)
        let depth = a.columns
        let copiesLeft = a.isTransposed && a.leading >= Self.farLeft && c.columns >= Self.columnsThatRepayLeft
        let copiesRight = right.rowStride >= Self.farRight && c.rows >= Self.rowsThatRepayRight
        let depthBlock = Self.part(depth, max: Self.depthBlock, unit: Prefetch.interval)
        let rowBlock = Self.part(c.rows, max: Self.rowBlock, unit: MicroTile.rows)
        let leftCount = copiesLeft ? rowBlock * depthBlock : 0
        let panelCount = copiesRight ? MicroTile.columns * depthBlock : 0
        buffers.withScratch(leftCount + panelCount) { scratch in
            for firstStep in stride(from: 0, to: depth, by: depthBlock) {
                let steps = min(depthBlock, depth - firstStep)
                for firstRow in stride(from: 0, to: c.rows, by: rowBlock) {
                    var block = TileBlock(
                        rows: min(rowBlock, c.rows - firstRow), columns: c.columns, steps: steps,
                        a: a.from(row: firstRow, step: firstStep), b: right.from(row: firstStep),
                        isLastOfDepth: firstStep + steps == depth, accumulates: accumulates || firstStep > 0)
                    if copiesLeft { block.copyLeft(into: scratch) }
                    block.multiply(
                        into: c.values + firstRow * c.leading, leading: c.leading, panelScratch: copiesRight ? scratch + leftCount : nil)
                }
            }
        }
    }

    /// Uses OpenBLAS. The micro-kernel cannot read a transposed right operand. A linear layer uses its weights once per batch, so packing
    /// them would take as long as the product. These products are 0.05 % of a ResNet-50's multiply-adds.
    public func multiplyPlain(_ a: MatrixView, _ b: MatrixView, into c: ResultView, accumulates: Bool) {
        OpenBLASMultiplier().multiplyPlain(a, b, into: c, accumulates: accumulates)
    }

    /// Divides `count` into equal parts of at most `max` and returns their size. All parts but the last are multiples of `unit`.
    private static func part(_ count: Int, max: Int, unit: Int) -> Int {
        let parts = Swift.max(1, (count + max - 1) / max)
        return ((count + parts - 1) / parts + unit - 1) / unit * unit
    }
}
