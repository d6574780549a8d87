import XCTest

@testable import Kernels

final class BFloat16PairsTests: XCTestCase {
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

    func testTheInstructionRoundsToNearestAndTiesGoToEven() throws {
        try XCTSkipUnless(InstructionSet.hasBFloat16, "SKIPPED: this processor has no AVX512-BF16: its rounding was not run")
        let values = numbers.map(\.0)
        let bits = numbers.map { UInt32($0.1) }
        // Lengths with and without whole vectors.
        for start in 0..<values.count {
            let (row, wanted) = (Array((values + values)[start...]), Array((bits + bits)[start...]))
            let both = words(row.count) { BFloat16Pairs.pairRows(row, row, count: row.count, into: $0) }
            XCTAssertEqual(both, wanted.map { $0 | $0 << 16 })
            let single = words(row.count) { BFloat16Pairs.pairRows(row, nil, count: row.count, into: $0) }
            XCTAssertEqual(single, wanted.map { $0 << 16 })
            let along = words(PanelElement.bfloat16Pair.words(row.count)) { BFloat16Pairs.pairRow(row, count: row.count, into: $0) }
            XCTAssertEqual(
                along, stride(from: 0, to: row.count, by: 2).map { wanted[$0] << 16 | ($0 + 1 < row.count ? wanted[$0 + 1] : 0) })
        }
    }

    /// Numbers as floats, and numbers of 16 bits, with and without whole vectors.
    func testRoundsToFloatsAndToSixteenBits() {
        let (values, bits) = ((numbers + numbers).map(\.0), (numbers + numbers).map(\.1))
        for start in 0..<numbers.count {
            let (row, wanted) = (Array(values[start...]), Array(bits[start...]))
            let floats = words(row.count) { BFloat16.round(row, count: row.count, into: $0) }
            XCTAssertEqual(floats, wanted.map { UInt32($0) << 16 })
            var halves = [BFloat16](repeating: BFloat16(rounding: 7), count: row.count + 1)
            halves.withUnsafeMutableBufferPointer { BFloat16.round(row, count: row.count, into: $0.baseAddress!) }
            XCTAssertEqual(halves.map(\.bits), wanted + [BFloat16(rounding: 7).bits])
            XCTAssertEqual(halves.dropLast().map(\.float.bitPattern), wanted.map { UInt32($0) << 16 })
        }
    }

    func testNumbersOfAWordAreThoseThatWereRounded() {
        let word = BFloat16Pairs.word(1.5, -0.25)
        XCTAssertEqual(BFloat16Pairs.numbers(word).first, 1.5)
        XCTAssertEqual(BFloat16Pairs.numbers(word).second, -0.25)
    }
}

extension [Float] {
    /// The numbers after rounding, as floats.
    var roundedToBFloat16: [Float] { map { BFloat16(rounding: $0).float } }
}
