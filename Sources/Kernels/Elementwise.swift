/// Plain loops over vectors.
public enum Elementwise {
    /// target ← target + values.
    @inline(__always)
    public static func add(_ values: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
        for index in 0..<count { target[index] += values[index] }
    }

    /// values ← values · factor, in parallel.
    public static func scale(_ values: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
        Parallel.forEachBlock(count, blockSize: 1 << 15) { range in
            for index in range { values[index] *= factor }
        }
    }

    /// Σ values², in double precision, in an order that does not depend on the number of threads.
    public static func sumOfSquares(_ values: UnsafePointer<Float>, count: Int) -> Double {
        let blockSize = 1 << 14
        let blockCount = (count + blockSize - 1) / blockSize
        var partial = [Double](repeating: 0, count: blockCount)
        partial.withUnsafeMutableBufferPointer { partial in
            Parallel.forEach(blockCount) { block in
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
                while index < end { sum += Double(values[index]) * Double(values[index]); index += 1 }
                partial[block] = sum
            }
        }
        return partial.reduce(0, +)
    }

    /// transposed[column, row] ← matrix[row, column], tile by tile so that both sides stay in cache.
    public static func transpose(
        _ matrix: UnsafePointer<Float>, rows: Int, columns: Int, into transposed: UnsafeMutablePointer<Float>
    ) {
        let tile = 16
        for rowStart in stride(from: 0, to: rows, by: tile) {
            for columnStart in stride(from: 0, to: columns, by: tile) {
                for row in rowStart..<min(rowStart + tile, rows) {
                    for column in columnStart..<min(columnStart + tile, columns) {
                        transposed[column &* rows &+ row] = matrix[row &* columns &+ column]
                    }
                }
            }
        }
    }
}
