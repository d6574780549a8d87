/// What the micro-kernels read in a word of 32 bits.
public enum PanelElement: Hashable, Sendable {
    case float32
    /// A bfloat16 number as a float. The product of two of them is exact, so the tiles of floats compute with them at their full rate. The
    /// sums have the bits of `bfloat16Pair`, except for subnormal sums, which the instruction replaces by zero.
    case roundedFloat32
    /// Two bfloat16 numbers that follow each other along the depth (`BFloat16Pairs`).
    case bfloat16Pair

    /// Rows of a matrix in a word.
    var rowsPerWord: Int { self == .bfloat16Pair ? 2 : 1 }

    /// The number of words for `count` numbers along the depth.
    func words(_ count: Int) -> Int { (count + rowsPerWord - 1) / rowsPerWord }

    /// words ← `count` numbers along the depth.
    func pack(along numbers: UnsafePointer<Float>, count: Int, into words: UnsafeMutablePointer<Float>) {
        switch self {
        case .float32: words.update(from: numbers, count: count)
        case .roundedFloat32: BFloat16.round(numbers, count: count, into: words)
        case .bfloat16Pair: BFloat16Pairs.pairRow(numbers, count: count, into: words)
        }
    }

    /// words [words(count) × columns] ← `count` rows that follow each other along the depth.
    ///
    /// - Parameters:
    ///   - rows: the first row.
    ///   - leading: floats from one row to the next.
    ///   - count: rows.
    ///   - columns: of each row.
    ///   - words: receives the words.
    ///   - target: words from one row of words to the next.
    func pack(
        rows: UnsafePointer<Float>, leading: Int, count: Int, columns: Int, into words: UnsafeMutablePointer<Float>, leading target: Int
    ) {
        for word in 0..<self.words(count) {
            let first = rows + word &* rowsPerWord &* leading
            let result = words + word &* target
            switch self {
            case .float32: result.update(from: first, count: columns)
            case .roundedFloat32: BFloat16.round(first, count: columns, into: result)
            case .bfloat16Pair: BFloat16Pairs.pairRows(first, 2 &* word &+ 1 < count ? first + leading : nil, count: columns, into: result)
            }
        }
    }

    /// The word of neighbouring numbers along the depth. A missing second one is zero.
    func word(_ first: Float, _ second: Float) -> Float {
        switch self {
        case .float32: return first
        case .roundedFloat32: return BFloat16(rounding: first).float
        case .bfloat16Pair: return BFloat16Pairs.word(first, second)
        }
    }
}
