import CMicroKernels

/// The micro-kernel for AVX-512 (`CMicroKernels`). It computes a tile with up to 64 columns.
enum AVX512Tile {
    static let columns = DRNET_AVX512_COLUMNS

    /// The rows of the highest tile with so many columns: 14 with at most 32 columns, 6 with 64.
    static func rows(columns: Int) -> Int { drnet_avx512_rows(columns) }

    /// C ← A B (+ C if the tile accumulates) for `count` vertically adjacent tiles.
    ///
    /// - Parameters:
    ///   - rows: the rows of each tile, 1 … `rows(columns:)`.
    ///   - columns: of each tile, 1 … `columns`.
    ///   - isPaired: whether a float of A and B stands for two bfloat16 numbers.
    static func multiply(_ tile: MicroTile, _ operands: MicroTile.Operands, rows: Int, columns: Int, count: Int, isPaired: Bool) {
        let prefetch = operands.prefetch
        var panel = drnet_tile_panel(
            depth: tile.depth, left: operands.left, left_stride: tile.leftStride, left_is_transposed: tile.isTransposed ? 1 : 0,
            right: operands.right, right_stride: tile.rightStride, result: operands.result, result_stride: tile.resultStride, rows: rows,
            columns: columns, count: count, accumulates: tile.accumulates ? 1 : 0,
            prefetch: drnet_prefetch_plan(
                address: prefetch.address.assumingMemoryBound(to: CChar.self), lines: prefetch.lines,
                line_stride: prefetch.lineStride, step: prefetch.step, next_step: prefetch.nextStep, distance: prefetch.distance,
                shift: operands.prefetchShift * MemoryLayout<Float>.stride))
        if isPaired { drnet_multiply_panel_bfloat16(&panel) } else { drnet_multiply_panel_avx512(&panel) }
    }
}

extension KernelSet {
    /// Multiplies `count` vertically adjacent tiles with the micro-kernel of the set.
    ///
    /// - Parameters:
    ///   - rows: the rows of each tile, 1 … `tileRows(columns:)`.
    ///   - columns: of each tile: a multiple of `columnUnit`, at most `tileColumns`.
    @inline(__always)
    func multiply(_ tile: MicroTile, _ operands: MicroTile.Operands, rows: Int, columns: Int, count: Int) {
        if usesAVX512Tile {
            AVX512Tile.multiply(tile, operands, rows: rows, columns: columns, count: count, isPaired: element == .bfloat16Pair)
        } else {
            tile.multiply(operands, rows: rows, count: count, isWide: columns == MicroTile.columns)
        }
    }
}
