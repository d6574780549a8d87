/// The micro-kernel in Swift, for AVX2 and for the baseline. It computes a tile of a product C = A B with up to 6 rows and 16 columns. The
/// sums are in twelve registers of eight floats. Each step of the depth loads two vectors of a row of B and six single elements of A, and
/// performs twelve multiply-adds: two for each load that the processor can do. BLIS's micro-kernel for Haswell has the same shape (Van Zee
/// and van de Geijn, "BLIS", TOMS 2015).
///
/// The micro-kernel reads A and B in place.
struct MicroTile {
    static let rows = 6
    static let columns = 16

    /// The depth of the product: terms per sum, or words of them (`PanelElement`).
    var depth: Int
    /// Whether A is stored as [depth × rows] rather than [rows × depth].
    var isTransposed: Bool
    /// Floats from one stored row of A to the next.
    var leftStride: Int
    /// Floats from one row of B to the next.
    var rightStride: Int
    /// Floats from one row of C to the next.
    var resultStride: Int
    /// Whether the product is added to the existing values of C.
    var accumulates: Bool

    /// The operands of `count` vertically adjacent tiles.
    struct Operands {
        /// A, B and C at the first tile.
        var left: UnsafePointer<Float>
        var right: UnsafePointer<Float>
        var result: UnsafeMutablePointer<Float>
        /// The prefetch requests of the first tile.
        var prefetch: Prefetch
        /// Floats from the prefetch addresses of one tile to those of the next.
        var prefetchShift: Int
    }

    /// C ← A B (+ C if `accumulates`) for `count` vertically adjacent tiles.
    ///
    /// - Parameters:
    ///   - rows: the rows of each tile, 1 … 6.
    ///   - isWide: whether tiles have 16 columns rather than 8.
    @inline(__always)
    func multiply(_ operands: Operands, rows: Int, count: Int, isWide: Bool) {
        if count == 0 { return }
        switch (isTransposed, isWide) {
        case (false, true): choose(rows, No.self, Yes.self, operands, count)
        case (true, true): choose(rows, Yes.self, Yes.self, operands, count)
        case (false, false): choose(rows, No.self, No.self, operands, count)
        case (true, false): choose(rows, Yes.self, No.self, operands, count)
        }
    }

    @inline(__always)
    private func choose<IsTransposed: Flag, IsWide: Flag>(
        _ rows: Int, _ isTransposed: IsTransposed.Type, _ isWide: IsWide.Type, _ operands: Operands,
        _ count: Int
    ) {
        switch rows {
        case 6: run(Six.self, isTransposed, isWide, operands, count)
        case 5: run(Five.self, isTransposed, isWide, operands, count)
        case 4: run(Four.self, isTransposed, isWide, operands, count)
        case 3: run(Three.self, isTransposed, isWide, operands, count)
        case 2: run(Two.self, isTransposed, isWide, operands, count)
        default: run(One.self, isTransposed, isWide, operands, count)
        }
    }

    /// The loop over tiles. The compiler specialises it for each combination of types, so the loop has no branches on them. (With integers
    /// in place of types it would have to be inlined. The compiler stops inlining after the first few combinations, and the others took
    /// twice as long.)
    @inline(never)
    private func run<Rows: Count, IsTransposed: Flag, IsWide: Flag>(
        _: Rows.Type, _: IsTransposed.Type, _: IsWide.Type, _ operands: Operands, _ count: Int
    ) {
        let rowStride = IsTransposed.value ? 1 : leftStride
        var (left, result, prefetch) = (operands.left, operands.result, operands.prefetch)
        for _ in 0..<count {
            let sums = sums(Rows.self, IsTransposed.self, IsWide.self, left, operands.right, prefetch)
            sums.store(into: result, rowStride: resultStride, rows: Rows.value, isWide: IsWide.value, accumulates: accumulates)
            left += Rows.value &* rowStride
            result += Rows.value &* resultStride
            prefetch = prefetch.shifted(by: operands.prefetchShift)
        }
    }

    /// Computes the sums of one tile.
    @inline(__always)
    private func sums<Rows: Count, IsTransposed: Flag, IsWide: Flag>(
        _: Rows.Type, _: IsTransposed.Type, _: IsWide.Type, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        _ prefetch: Prefetch
    ) -> TileSums {
        var sums = TileSums()
        var (b, prefetch) = (b, prefetch)
        let rowStride = IsTransposed.value ? 1 : leftStride
        let depthStride = IsTransposed.value ? leftStride : 1
        let rightStride = rightStride
        var offset = 0
        for _ in 0..<depth / Prefetch.interval {
            prefetch.request()
            for step in 0..<Prefetch.interval {
                sums.add(
                    a + (offset &+ step &* depthStride), rowStride: rowStride, b + step &* rightStride, rows: Rows.value,
                    isWide: IsWide.value)
            }
            offset &+= Prefetch.interval &* depthStride
            b += Prefetch.interval &* rightStride
        }
        for _ in 0..<depth % Prefetch.interval {
            sums.add(a + offset, rowStride: rowStride, b, rows: Rows.value, isWide: IsWide.value)
            offset &+= depthStride
            b += rightStride
        }
        return sums
    }
}

/// Integers and Booleans as types, for `run`.
private protocol Count { static var value: Int { get } }
private protocol Flag { static var value: Bool { get } }
private enum One: Count { static var value: Int { 1 } }
private enum Two: Count { static var value: Int { 2 } }
private enum Three: Count { static var value: Int { 3 } }
private enum Four: Count { static var value: Int { 4 } }
private enum Five: Count { static var value: Int { 5 } }
private enum Six: Count { static var value: Int { 6 } }
private enum Yes: Flag { static var value: Bool { true } }
private enum No: Flag { static var value: Bool { false } }
