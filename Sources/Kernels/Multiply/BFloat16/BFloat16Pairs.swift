import CMicroKernels

/// Rounds floats to bfloat16, in words of 32 bits, with AVX512-BF16. A word holds two numbers that follow each other along the depth of a
/// product, the first one in its upper half: VDPBF16PS adds the product of the upper halves first. A word travels as a float whose value
/// has no meaning.
enum BFloat16Pairs {
    typealias Words = UnsafeMutablePointer<Float>

    /// words ← `count` numbers of a row. The last word of an odd number has a zero.
    static func pairRow(_ numbers: UnsafePointer<Float>, count: Int, into words: Words) {
        words.withMemoryRebound(to: UInt32.self, capacity: PanelElement.bfloat16Pair.words(count)) {
            drnet_pair_along_row(numbers, count, $0)
        }
    }

    /// words ← `count` numbers of two rows: word i has number i of each row.
    ///
    /// - Parameter odd: the second row; nil for zeros.
    static func pairRows(_ even: UnsafePointer<Float>, _ odd: UnsafePointer<Float>?, count: Int, into words: Words) {
        words.withMemoryRebound(to: UInt32.self, capacity: count) { drnet_pair_two_rows(even, odd, count, $0) }
    }

    /// The word of two numbers.
    static func word(_ first: Float, _ second: Float) -> Float {
        Float(bitPattern: UInt32(BFloat16(rounding: first).bits) << 16 | UInt32(BFloat16(rounding: second).bits))
    }

    /// The numbers of a word, as floats.
    static func numbers(_ word: Float) -> (first: Float, second: Float) {
        let bits = word.bitPattern
        return (Float(bitPattern: bits & 0xFFFF_0000), Float(bitPattern: bits << 16))
    }
}
