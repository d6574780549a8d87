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

    /// C ← A B (+ C where `accumulates`) for `count` tiles, one below the other.
    ///
    /// - Parameters:
    ///   - rows: of each tile, 1 … 6.
    ///   - isWide: whether they have 16 columns, else 8.
    ///   - prefetch: what the first one asks for; the others for what lies `shift` floats further on each.
    @inline(__always)
    func multiply(
        _ a: Source, _ b: Source, into c: Result, rows: Int, count: Int, isWide: Bool, _ prefetch: Prefetch, shift: Int
    ) {
        if count == 0 { return }
        switch (isTransposed, isWide) {
        case (false, true): choose(rows, No.self, Yes.self, a, b, c, count, prefetch, shift)
        case (true, true): choose(rows, Yes.self, Yes.self, a, b, c, count, prefetch, shift)
        case (false, false): choose(rows, No.self, No.self, a, b, c, count, prefetch, shift)
        case (true, false): choose(rows, Yes.self, No.self, a, b, c, count, prefetch, shift)
        }
    }

    @inline(__always)
    private func choose<IsTransposed: Flag, IsWide: Flag>(
        _ rows: Int, _ isTransposed: IsTransposed.Type, _ isWide: IsWide.Type, _ a: Source, _ b: Source, _ c: Result, _ count: Int,
        _ prefetch: Prefetch, _ shift: Int
    ) {
        switch rows {
        case 6: run(Six.self, isTransposed, isWide, a, b, c, count, prefetch, shift)
        case 5: run(Five.self, isTransposed, isWide, a, b, c, count, prefetch, shift)
        case 4: run(Four.self, isTransposed, isWide, a, b, c, count, prefetch, shift)
        case 3: run(Three.self, isTransposed, isWide, a, b, c, count, prefetch, shift)
        case 2: run(Two.self, isTransposed, isWide, a, b, c, count, prefetch, shift)
        default: run(One.self, isTransposed, isWide, a, b, c, count, prefetch, shift)
        }
    }

    /// Compiled for each of its types by itself: what they exclude is not there. (As numbers they would have to be inlined, which the compiler
    /// refuses after the first few: the others took twice as long.)
    @inline(never)
    private func run<Rows: Count, IsTransposed: Flag, IsWide: Flag>(
        _: Rows.Type, _: IsTransposed.Type, _: IsWide.Type, _ a: Source, _ b: Source, _ c: Result, _ count: Int, _ prefetch: Prefetch,
        _ shift: Int
    ) {
        let rowStride = IsTransposed.value ? 1 : leftStride
        var (a, c, prefetch) = (a, c, prefetch)
        for _ in 0..<count {
            let sums = sums(Rows.self, IsTransposed.self, IsWide.self, a, b, prefetch)
            sums.store(into: c, rowStride: resultStride, rows: Rows.value, isWide: IsWide.value, accumulates: accumulates)
            a += Rows.value &* rowStride
            c += Rows.value &* resultStride
            prefetch = prefetch.shifted(by: shift)
        }
    }

    @inline(__always)
    private func sums<Rows: Count, IsTransposed: Flag, IsWide: Flag>(
        _: Rows.Type, _: IsTransposed.Type, _: IsWide.Type, _ a: Source, _ b: Source, _ prefetch: Prefetch
    ) -> Sums {
        var sums = Sums()
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

/// Numbers and truth values as types.
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
