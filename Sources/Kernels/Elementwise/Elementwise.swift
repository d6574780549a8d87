/// Elementwise loops over vectors and matrices.
public enum Elementwise {
    /// target ← target + values.
    @inline(__always)
    public static func add(_ values: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
        for index in 0..<count { target[index] += values[index] }
    }

    /// values ← values · factor, in parallel.
    public static func scale(_ values: UnsafeMutablePointer<Float>, by factor: Float, count: Int, _ context: KernelContext) {
        context.threads.forEachBlock(count, blockSize: 1 << 15) { range in
            for index in range { values[index] *= factor }
        }
    }

    /// target ← target + weight · (values − target), in parallel. Elements that are equal stay equal.
    public static func move(
        _ target: UnsafeMutablePointer<Float>, towards values: UnsafePointer<Float>, weight: Float, count: Int, _ context: KernelContext
    ) {
        context.threads.forEachBlock(count, blockSize: 1 << 15) { range in
            for index in range { target[index] += weight * (values[index] - target[index]) }
        }
    }

    /// Returns Σ values² in double precision. The order of the sum does not depend on the number of threads.
    public static func sumOfSquares(_ values: UnsafePointer<Float>, count: Int, _ context: KernelContext) -> Double {
        let blockSize = 1 << 14
        let blockCount = (count + blockSize - 1) / blockSize
        var partial = [Double](repeating: 0, count: blockCount)
        partial.withUnsafeMutableBufferPointer { partial in
            context.threads.forEach(blockCount) { block in
                var sums = SIMD8<Double>.zero
                var index = block * blockSize
                let end = min(index + blockSize, count)
                while index + 8 <= end {
                    var vector = SIMD8<Double>.zero
                    for lane in 0..<8 { vector[lane] = Double(values[index &+ lane]) }
                    sums += vector * vector
                    index += 8
                }
                var sum = sums.sum()
                while index < end {
                    sum += Double(values[index]) * Double(values[index])
                    index += 1
                }
                partial[block] = sum
            }
        }
        return partial.reduce(0, +)
    }

    /// transposed[column, row] ← matrix[row, column], in register blocks of 8 × 8.
    public static func transpose(
        _ matrix: UnsafePointer<Float>, rows: Int, columns: Int, into transposed: UnsafeMutablePointer<Float>
    ) {
        let (blockRows, blockColumns) = (rows & ~7, columns & ~7)
        for row in stride(from: 0, to: blockRows, by: 8) {
            for column in stride(from: 0, to: blockColumns, by: 8) {
                transposeBlock(
                    matrix + (row &* columns &+ column), rowStride: columns, into: transposed + (column &* rows &+ row), rowStride: rows)
            }
        }
        for row in 0..<rows {
            for column in (row < blockRows ? blockColumns : 0)..<columns {
                transposed[column &* rows &+ row] = matrix[row &* columns &+ column]
            }
        }
    }

    /// Transposes a block of 8 × 8 elements. The index of an element has six binary digits: three for the row, three for the column.
    /// Separating even from odd indices moves the last digit to the front. Three such steps exchange row and column.
    @inline(__always)
    private static func transposeBlock(
        _ block: UnsafePointer<Float>, rowStride: Int, into target: UnsafeMutablePointer<Float>, rowStride targetStride: Int
    ) {
        typealias Eight = (V, V, V, V, V, V, V, V)
        typealias V = SIMD8<Float>
        @inline(__always) func row(_ number: Int) -> V {
            UnsafeRawPointer(block + number &* rowStride).loadUnaligned(as: V.self)
        }
        @inline(__always) func even(_ a: V, _ b: V) -> V { V(lowHalf: a.evenHalf, highHalf: b.evenHalf) }
        @inline(__always) func odd(_ a: V, _ b: V) -> V { V(lowHalf: a.oddHalf, highHalf: b.oddHalf) }
        @inline(__always) func parted(_ v: Eight) -> Eight {
            (
                even(v.0, v.1), even(v.2, v.3), even(v.4, v.5), even(v.6, v.7), odd(v.0, v.1), odd(v.2, v.3), odd(v.4, v.5), odd(v.6, v.7)
            )
        }
        let v = parted(parted(parted((row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)))))
        @inline(__always) func store(_ value: V, _ number: Int) {
            UnsafeMutableRawPointer(target + number &* targetStride).storeBytes(of: value, as: V.self)
        }
        store(v.0, 0)
        store(v.1, 1)
        store(v.2, 2)
        store(v.3, 3)
        store(v.4, 4)
        store(v.5, 5)
        store(v.6, 6)
        store(v.7, 7)
    }
}
