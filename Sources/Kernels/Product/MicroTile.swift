/// A tile of a product C = A B: up to 6 rows by 16 columns, held in twelve registers of eight floats while the depth goes by. Each step of the
/// depth takes two vectors of a row of B and six single elements of A, and leaves two multiply-adds for every load that the processor can do:
/// the shape of Haswell's tile in BLIS (Van Zee and van de Geijn 2015).
///
/// A and B are read where they lie: nothing is packed.
struct MicroTile {
    static let rows = 6
    static let columns = 16

    /// Steps of the sum.
    var depth: Int
    /// Whether A is stored as [depth × rows]; else as [rows × depth].
    var isTransposed: Bool
    /// Floats from one row of A, as it is stored, to the next.
    var leftStride: Int
    /// Floats from one row of B to the next.
    var rightStride: Int
    /// Floats from one row of C to the next.
    var resultStride: Int
    /// Whether the product is added to what C holds.
    var accumulates: Bool

    typealias Source = UnsafePointer<Float>
    typealias Result = UnsafeMutablePointer<Float>

    /// - Parameters:
    ///   - rows: 1 … 6.
    ///   - isWide: whether the tile has 16 columns, else 8.
    @inline(__always)
    func multiply(_ a: Source, _ b: Source, into c: Result, rows: Int, isWide: Bool, _ prefetch: Prefetch) {
        switch (isTransposed, isWide) {
        case (false, true): multiplyWide(a, b, c, rows, prefetch)
        case (true, true): multiplyTransposedWide(a, b, c, rows, prefetch)
        case (false, false): multiplyNarrow(a, b, c, rows, prefetch)
        case (true, false): multiplyTransposedNarrow(a, b, c, rows, prefetch)
        }
    }

    // A function for each of the four: what is inlined below is long, and has no calls.

    @inline(never)
    private func multiplyWide(_ a: Source, _ b: Source, _ c: Result, _ rows: Int, _ prefetch: Prefetch) {
        choose(a, b, c, rows, isTransposed: false, isWide: true, prefetch)
    }

    @inline(never)
    private func multiplyTransposedWide(_ a: Source, _ b: Source, _ c: Result, _ rows: Int, _ prefetch: Prefetch) {
        choose(a, b, c, rows, isTransposed: true, isWide: true, prefetch)
    }

    @inline(never)
    private func multiplyNarrow(_ a: Source, _ b: Source, _ c: Result, _ rows: Int, _ prefetch: Prefetch) {
        choose(a, b, c, rows, isTransposed: false, isWide: false, prefetch)
    }

    @inline(never)
    private func multiplyTransposedNarrow(_ a: Source, _ b: Source, _ c: Result, _ rows: Int, _ prefetch: Prefetch) {
        choose(a, b, c, rows, isTransposed: true, isWide: false, prefetch)
    }

    @inline(__always)
    private func choose(
        _ a: Source, _ b: Source, _ c: Result, _ rows: Int, isTransposed: Bool, isWide: Bool, _ prefetch: Prefetch
    ) {
        switch rows {
        case 6: run(a, b, c, rows: 6, isTransposed: isTransposed, isWide: isWide, prefetch)
        case 5: run(a, b, c, rows: 5, isTransposed: isTransposed, isWide: isWide, prefetch)
        case 4: run(a, b, c, rows: 4, isTransposed: isTransposed, isWide: isWide, prefetch)
        case 3: run(a, b, c, rows: 3, isTransposed: isTransposed, isWide: isWide, prefetch)
        case 2: run(a, b, c, rows: 2, isTransposed: isTransposed, isWide: isWide, prefetch)
        default: run(a, b, c, rows: 1, isTransposed: isTransposed, isWide: isWide, prefetch)
        }
    }

    /// `rows`, `isTransposed` and `isWide` are constants where this is inlined: what they exclude is not compiled.
    @inline(__always)
    private func run(
        _ a: Source, _ b: Source, _ c: Result, rows: Int, isTransposed: Bool, isWide: Bool, _ prefetch: Prefetch
    ) {
        var sums = Sums()
        var (b, prefetch) = (b, prefetch)
        let rowStride = isTransposed ? 1 : leftStride
        let depthStride = isTransposed ? leftStride : 1
        let rightStride = rightStride
        var offset = 0
        for _ in 0..<depth / Prefetch.interval {
            prefetch.request()
            for step in 0..<Prefetch.interval {
                sums.add(
                    a + (offset &+ step &* depthStride), rowStride: rowStride, b + step &* rightStride, rows: rows, isWide: isWide)
            }
            offset &+= Prefetch.interval &* depthStride
            b += Prefetch.interval &* rightStride
        }
        for _ in 0..<depth % Prefetch.interval {
            sums.add(a + offset, rowStride: rowStride, b, rows: rows, isWide: isWide)
            offset &+= depthStride
            b += rightStride
        }
        sums.store(into: c, rowStride: resultStride, rows: rows, isWide: isWide, accumulates: accumulates)
    }
}

/// The sums of a tile, by row and vector of columns.
private struct Sums {
    typealias Vector = SIMD8<Float>
    var c00 = Vector.zero, c10 = Vector.zero, c20 = Vector.zero, c30 = Vector.zero, c40 = Vector.zero, c50 = Vector.zero
    var c01 = Vector.zero, c11 = Vector.zero, c21 = Vector.zero, c31 = Vector.zero, c41 = Vector.zero, c51 = Vector.zero

    /// Adds the products of a column of A, whose elements are `rowStride` apart, with a row of B.
    @inline(__always)
    mutating func add(_ a: UnsafePointer<Float>, rowStride: Int, _ b: UnsafePointer<Float>, rows: Int, isWide: Bool) {
        let b0 = Self.load(b)
        let b1 = isWide ? Self.load(b + 8) : .zero
        @inline(__always)
        func add(_ row: Int, _ first: inout Vector, _ second: inout Vector) {
            guard row < rows else { return }
            let value = Vector(repeating: a[row &* rowStride])
            first.addProduct(value, b0)
            if isWide { second.addProduct(value, b1) }
        }
        add(0, &c00, &c01)
        add(1, &c10, &c11)
        add(2, &c20, &c21)
        add(3, &c30, &c31)
        add(4, &c40, &c41)
        add(5, &c50, &c51)
    }

    /// Writes the sums, or adds them to what is there.
    @inline(__always)
    func store(into c: UnsafeMutablePointer<Float>, rowStride: Int, rows: Int, isWide: Bool, accumulates: Bool) {
        @inline(__always)
        func store(_ row: Int, _ first: Vector, _ second: Vector) {
            guard row < rows else { return }
            let target = c + row &* rowStride
            Self.store(accumulates ? Self.load(target) + first : first, target)
            if isWide { Self.store(accumulates ? Self.load(target + 8) + second : second, target + 8) }
        }
        store(0, c00, c01)
        store(1, c10, c11)
        store(2, c20, c21)
        store(3, c30, c31)
        store(4, c40, c41)
        store(5, c50, c51)
    }

    @inline(__always)
    private static func load(_ p: UnsafePointer<Float>) -> SIMD8<Float> { UnsafeRawPointer(p).loadUnaligned(as: SIMD8<Float>.self) }

    @inline(__always)
    private static func store(_ value: SIMD8<Float>, _ p: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(p).storeBytes(of: value, as: SIMD8<Float>.self)
    }
}
