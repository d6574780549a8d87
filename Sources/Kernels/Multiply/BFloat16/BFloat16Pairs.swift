import CMicroKernels

/// Rounds floats to bfloat16, in words of 32 bits. A word holds two numbers that follow each other along the depth of a product, the first
/// one in its lower half. A word travels as a float whose value has no meaning.
///
/// Rounding is to nearest, ties to even, and subnormal numbers become zero, as with the instruction VCVTNEPS2BF16.
struct BFloat16Pairs: Sendable {
    /// Whether AVX512-BF16 rounds. The results are the same.
    let usesInstruction: Bool

    typealias Words = UnsafeMutablePointer<Float>

    /// The number of words for `count` numbers.
    static func words(_ count: Int) -> Int { (count + 1) / 2 }

    /// words ← `count` numbers of a row. The last word of an odd number has a zero.
    func pairRow(_ numbers: UnsafePointer<Float>, count: Int, into words: Words) {
        if usesInstruction {
            words.withMemoryRebound(to: UInt32.self, capacity: Self.words(count)) { drnet_pair_along_row(numbers, count, $0) }
            return
        }
        var word = 0
        while 2 &* word &+ 16 <= count {
            let sixteen = UnsafeRawPointer(numbers + 2 &* word).loadUnaligned(as: SIMD16<Float>.self)
            Self.store(Self.pairs(sixteen.evenHalf, sixteen.oddHalf), words + word)
            word &+= 8
        }
        while 2 &* word < count {
            let second = 2 &* word &+ 1
            words[word] = Self.word(numbers[2 &* word], second < count ? numbers[second] : 0)
            word &+= 1
        }
    }

    /// words ← `count` numbers of two rows: word i has number i of each row.
    ///
    /// - Parameter odd: the second row; nil for zeros.
    func pairRows(_ even: UnsafePointer<Float>, _ odd: UnsafePointer<Float>?, count: Int, into words: Words) {
        if usesInstruction {
            words.withMemoryRebound(to: UInt32.self, capacity: count) { drnet_pair_two_rows(even, odd, count, $0) }
            return
        }
        var column = 0
        while column &+ 8 <= count {
            let first = UnsafeRawPointer(even + column).loadUnaligned(as: SIMD8<Float>.self)
            let second = odd.map { UnsafeRawPointer($0 + column).loadUnaligned(as: SIMD8<Float>.self) } ?? .zero
            Self.store(Self.pairs(first, second), words + column)
            column &+= 8
        }
        while column < count {
            words[column] = Self.word(even[column], odd?[column] ?? 0)
            column &+= 1
        }
    }

    // MARK: - Numbers

    /// The word of two numbers.
    static func word(_ first: Float, _ second: Float) -> Float { Float(bitPattern: rounded(first) | rounded(second) << 16) }

    /// The numbers of a word, as floats.
    @inline(__always)
    static func numbers(_ word: Float) -> (first: Float, second: Float) {
        let bits = word.bitPattern
        return (Float(bitPattern: bits << 16), Float(bitPattern: bits & 0xFFFF_0000))
    }

    /// The numbers of eight words.
    @inline(__always)
    static func numbers(_ words: SIMD8<Float>) -> (first: SIMD8<Float>, second: SIMD8<Float>) {
        let bits = unsafeBitCast(words, to: SIMD8<UInt32>.self)
        return (
            unsafeBitCast(bits &<< 16, to: SIMD8<Float>.self), unsafeBitCast(bits & 0xFFFF_0000, to: SIMD8<Float>.self)
        )
    }

    /// The 16 bits of a number.
    private static func rounded(_ value: Float) -> UInt32 {
        let bits = value.bitPattern
        if value.isNaN { return bits >> 16 | 0x40 }
        if bits & 0x7F80_0000 == 0 { return bits >> 16 & 0x8000 }
        return (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16
    }

    @inline(__always)
    private static func rounded(_ values: SIMD8<Float>) -> SIMD8<UInt32> {
        let bits = unsafeBitCast(values, to: SIMD8<UInt32>.self)
        var result = (bits &+ 0x7FFF &+ (bits &>> 16 & 1)) &>> 16
        result.replace(with: bits &>> 16 | 0x40, where: bits & 0x7FFF_FFFF .> 0x7F80_0000)
        result.replace(with: bits &>> 16 & 0x8000, where: bits & 0x7F80_0000 .== 0)
        return result
    }

    @inline(__always)
    private static func pairs(_ first: SIMD8<Float>, _ second: SIMD8<Float>) -> SIMD8<UInt32> { rounded(first) | rounded(second) &<< 16 }

    @inline(__always)
    private static func store(_ words: SIMD8<UInt32>, _ target: Words) {
        UnsafeMutableRawPointer(target).storeBytes(of: words, as: SIMD8<UInt32>.self)
    }
}
