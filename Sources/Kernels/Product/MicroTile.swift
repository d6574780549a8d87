/// A tile of a product C = A B: up to 6 rows by 16 columns, held in twelve registers of eight floats while the depth goes by. Each step of the
/// depth takes two vectors of a row of B and six single elements of A, and leaves two multiply-adds for every load that the processor can do:
/// the shape of Haswell's tile in BLIS (Van Zee and van de Geijn 2015).
///
/// A and B are read where they lie, with any strides: nothing is packed.
struct MicroTile {
    static let rows = 6
    static let columns = 16

    /// Steps of the sum.
    var depth: Int
    /// Floats from one row of A to the next, and from one step of the depth to the next.
    var rowStride: Int
    var depthStride: Int
    /// Floats from one row of B to the next.
    var rightStride: Int
    /// Floats from one row of C to the next.
    var resultStride: Int
    /// Whether the product is added to what C holds.
    var accumulates: Bool

    /// - Parameters:
    ///   - rows: 1 … 6.
    ///   - isWide: whether the tile has 16 columns, else 8.
    @inline(never)
    func multiply(_ a: Source, _ b: Source, into c: Result, rows: Int, isWide: Bool) {
        switch (rows, isWide) {
        case (6, true): run(a, b, c, rows: 6, isWide: true)
        case (5, true): run(a, b, c, rows: 5, isWide: true)
        case (4, true): run(a, b, c, rows: 4, isWide: true)
        case (3, true): run(a, b, c, rows: 3, isWide: true)
        case (2, true): run(a, b, c, rows: 2, isWide: true)
        case (_, true): run(a, b, c, rows: 1, isWide: true)
        case (6, false): run(a, b, c, rows: 6, isWide: false)
        case (5, false): run(a, b, c, rows: 5, isWide: false)
        case (4, false): run(a, b, c, rows: 4, isWide: false)
        case (3, false): run(a, b, c, rows: 3, isWide: false)
        case (2, false): run(a, b, c, rows: 2, isWide: false)
        case (_, false): run(a, b, c, rows: 1, isWide: false)
        }
    }

    typealias Source = UnsafePointer<Float>
    typealias Result = UnsafeMutablePointer<Float>

    /// `rows` and `isWide` are constants where this is inlined: what they exclude is not compiled.
    @inline(__always)
    private func run(_ a: Source, _ b: Source, _ c: Result, rows: Int, isWide: Bool) {
        typealias Vector = SIMD8<Float>
        var (a, b) = (a, b)
        let (rowStride, depthStride, rightStride) = (rowStride, depthStride, rightStride)
        var c00 = Vector.zero, c10 = Vector.zero, c20 = Vector.zero, c30 = Vector.zero, c40 = Vector.zero, c50 = Vector.zero
        var c01 = Vector.zero, c11 = Vector.zero, c21 = Vector.zero, c31 = Vector.zero, c41 = Vector.zero, c51 = Vector.zero
        @inline(__always)
        func add(_ row: Int, _ b0: Vector, _ b1: Vector, _ first: inout Vector, _ second: inout Vector) {
            guard row < rows else { return }
            let value = Vector(repeating: a[row &* rowStride])
            first.addProduct(value, b0)
            if isWide { second.addProduct(value, b1) }
        }
        for _ in 0..<depth {
            let b0 = load(b)
            let b1 = isWide ? load(b + 8) : .zero
            add(0, b0, b1, &c00, &c01)
            add(1, b0, b1, &c10, &c11)
            add(2, b0, b1, &c20, &c21)
            add(3, b0, b1, &c30, &c31)
            add(4, b0, b1, &c40, &c41)
            add(5, b0, b1, &c50, &c51)
            a += depthStride
            b += rightStride
        }
        @inline(__always)
        func finish(_ row: Int, _ first: Vector, _ second: Vector) {
            guard row < rows else { return }
            let target = c + row &* resultStride
            store(accumulates ? load(target) + first : first, target)
            if isWide { store(accumulates ? load(target + 8) + second : second, target + 8) }
        }
        finish(0, c00, c01)
        finish(1, c10, c11)
        finish(2, c20, c21)
        finish(3, c30, c31)
        finish(4, c40, c41)
        finish(5, c50, c51)
    }

    @inline(__always)
    private func load(_ p: UnsafePointer<Float>) -> SIMD8<Float> { UnsafeRawPointer(p).loadUnaligned(as: SIMD8<Float>.self) }

    @inline(__always)
    private func store(_ value: SIMD8<Float>, _ p: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(p).storeBytes(of: value, as: SIMD8<Float>.self)
    }
}
