import XCTest

@testable import Kernels

final class BFloat16PairsTests: XCTestCase {
    /// The instruction rounds too, where the processor has it.
    private let implementations =
        [BFloat16Pairs(usesInstruction: false)]
        + (InstructionSet.available.contains(where: \.multipliesBFloat16) ? [BFloat16Pairs(usesInstruction: true)] : [])

    /// Numbers with their bits after rounding: halves to even, the largest float, subnormal numbers, and numbers that are none.
    private let numbers: [(Float, UInt16)] = [
        (1, 0x3F80), (-2.5, 0xC020), (0, 0), (-0.0, 0x8000), (0x1.01p0, 0x3F80), (0x1.03p0, 0x3F82), (0x1.010002p0, 0x3F81),
        (0x1.00FFFEp0, 0x3F80), (.greatestFiniteMagnitude, 0x7F80), (.infinity, 0x7F80), (-.infinity, 0xFF80), (.leastNonzeroMagnitude, 0),
        (-.leastNonzeroMagnitude, 0x8000), (.leastNormalMagnitude, 0x0080), (.nan, 0x7FC0), (.signalingNaN, 0x7FE0), (0x1.FFp-127, 0x0000),
    ]

    private func words(_ count: Int, _ body: (BFloat16Pairs.Words) -> Void) -> [UInt32] {
        // One word more, which must not be written.
        var words = [Float](repeating: Float(bitPattern: 0xABCD), count: count + 1)
        words.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
        XCTAssertEqual(words[count].bitPattern, 0xABCD, "a word beyond the end was written")
        return words.dropLast().map(\.bitPattern)
    }

    func testRoundingIsToNearestAndTiesGoToEven() {
        let values = numbers.map(\.0)
        let bits = numbers.map { UInt32($0.1) }
        for pairs in implementations {
            // Lengths with and without whole vectors.
            for start in 0..<values.count {
                let (row, wanted) = (Array((values + values)[start...]), Array((bits + bits)[start...]))
                let both = words(row.count) { pairs.pairRows(row, row, count: row.count, into: $0) }
                XCTAssertEqual(both, wanted.map { $0 | $0 << 16 })
                let single = words(row.count) { pairs.pairRows(row, nil, count: row.count, into: $0) }
                XCTAssertEqual(single, wanted)
                let along = words(BFloat16Pairs.words(row.count)) { pairs.pairRow(row, count: row.count, into: $0) }
                XCTAssertEqual(
                    along, stride(from: 0, to: row.count, by: 2).map { wanted[$0] | ($0 + 1 < row.count ? wanted[$0 + 1] << 16 : 0) })
            }
        }
    }

    func testNumbersOfAWordAreThoseThatWereRounded() {
        let word = BFloat16Pairs.word(1.5, -0.25)
        XCTAssertEqual(BFloat16Pairs.numbers(word).first, 1.5)
        XCTAssertEqual(BFloat16Pairs.numbers(word).second, -0.25)
        let vector = BFloat16Pairs.numbers(SIMD8<Float>(repeating: word))
        XCTAssertEqual(vector.first, SIMD8(repeating: 1.5))
        XCTAssertEqual(vector.second, SIMD8(repeating: -0.25))
    }
}

extension [Float] {
    /// The numbers after rounding, as floats.
    var roundedToBFloat16: [Float] { map { BFloat16Pairs.numbers(BFloat16Pairs.word($0, 0)).first } }
}
