/// The sums of a tile in registers, by row and vector of columns.
struct TileSums {
    typealias Vector = Channels8
    var c00 = Vector.zero, c10 = Vector.zero, c20 = Vector.zero, c30 = Vector.zero, c40 = Vector.zero, c50 = Vector.zero
    var c01 = Vector.zero, c11 = Vector.zero, c21 = Vector.zero, c31 = Vector.zero, c41 = Vector.zero, c51 = Vector.zero

    /// Adds the products of a column of A with a row of B. The elements of the column are `rowStride` apart.
    @inline(__always)
    mutating func add(_ a: UnsafePointer<Float>, rowStride: Int, _ b: UnsafePointer<Float>, rows: Int, isWide: Bool) {
        let b0 = Vector(at: b)
        let b1 = isWide ? Vector(at: b + 8) : .zero
        @inline(__always)
        func add(_ row: Int, _ first: inout Vector, _ second: inout Vector) {
            guard row < rows else { return }
            let value = a[row &* rowStride]
            first.addProduct(Vector(repeating: value), b0)
            if isWide { second.addProduct(Vector(repeating: value), b1) }
        }
        add(0, &c00, &c01)
        add(1, &c10, &c11)
        add(2, &c20, &c21)
        add(3, &c30, &c31)
        add(4, &c40, &c41)
        add(5, &c50, &c51)
    }

    /// Writes the sums to memory, or adds them to the existing values.
    @inline(__always)
    func store(into c: UnsafeMutablePointer<Float>, rowStride: Int, rows: Int, isWide: Bool, accumulates: Bool) {
        @inline(__always)
        func store(_ row: Int, _ first: Vector, _ second: Vector) {
            guard row < rows else { return }
            let target = c + row &* rowStride
            (accumulates ? Vector(at: target) + first : first).store(to: target)
            if isWide { (accumulates ? Vector(at: target + 8) + second : second).store(to: target + 8) }
        }
        store(0, c00, c01)
        store(1, c10, c11)
        store(2, c20, c21)
        store(3, c30, c31)
        store(4, c40, c41)
        store(5, c50, c51)
    }
}
